/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "programs/simulate_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const fault_names[] = {
#define X(name, text) [TVN_SIM_##name] = (text),
    TVN_SIM_FAULTS(X)
#undef X
};

const char *tvn_sim_fault_name(enum tvn_sim_fault fault)
{
    tvn_assert((unsigned)fault < TVN_ARRAY_LEN(fault_names));
    return fault_names[fault];
}

void tvn_sim_config_default(struct tvn_sim_config *config)
{
    *config = (struct tvn_sim_config){
        .steps = 2000,
        .flows = TVN_SIM_FLOWS_MAX,
        .only = TVN_SIM_ANY,
        .stages = TVN_SIM_STAGES_MAX,
        .depth = TVN_SIM_DEPTH_MAX,
        .workers = TVN_SIM_WORKERS_MAX,
        .rows = 1,
    };
}

/* The numeric fields: name, place, smallest, largest. */
struct field {
    const char *name;
    size_t offset;
    uint32_t first;
    uint32_t last;
};
static const struct field fields[] = {
    {"flows", offsetof(struct tvn_sim_config, flows), 1, TVN_SIM_FLOWS_MAX},
    {"only", offsetof(struct tvn_sim_config, only), 0, TVN_SIM_FLOWS_MAX - 1},
    {"life", offsetof(struct tvn_sim_config, life), 0, UINT32_MAX - 1},
    {"stages", offsetof(struct tvn_sim_config, stages), 2, TVN_SIM_STAGES_MAX},
    {"depth", offsetof(struct tvn_sim_config, depth), 1, TVN_SIM_DEPTH_MAX},
    {"workers", offsetof(struct tvn_sim_config, workers), 1, TVN_SIM_WORKERS_MAX},
    {"rows", offsetof(struct tvn_sim_config, rows), 0, 2},
};

static uint32_t *place_of(struct tvn_sim_config *config, const struct field *field)
{
    return (uint32_t *)(void *)((char *)config + field->offset);
}

/* "trap+drain" */
static bool parse_faults(const char *text, size_t length, uint64_t *out_faults)
{
    uint64_t faults = 0;
    while (length > 0) {
        const char *plus = memchr(text, '+', length);
        size_t part = plus ? (size_t)(plus - text) : length;
        unsigned fault = 0;
        while (fault < TVN_SIM_FAULT_COUNT && (strlen(fault_names[fault]) != part ||
                                               memcmp(fault_names[fault], text, part) != 0)) {
            fault++;
        }
        if (fault == TVN_SIM_FAULT_COUNT) {
            return false;
        }
        faults |= UINT64_C(1) << fault;
        size_t used = plus ? part + 1 : part;
        text += used;
        length -= used;
    }
    *out_faults = faults;
    return true;
}

static bool parse_field(const char *text, size_t length, struct tvn_sim_config *config)
{
    const char *equals = memchr(text, '=', length);
    if (!equals) {
        return false;
    }
    size_t name_length = (size_t)(equals - text);
    const char *value = equals + 1;
    size_t value_length = length - name_length - 1;
    if (name_length == 3 && memcmp(text, "off", 3) == 0) {
        return parse_faults(value, value_length, &config->off);
    }
    if (name_length == 2 && memcmp(text, "on", 2) == 0) {
        bool parsed = parse_faults(value, value_length, &config->off);
        config->off = ~config->off & TVN_SIM_FAULTS_ALL;
        return parsed;
    }
    for (size_t i = 0; i < TVN_ARRAY_LEN(fields); i++) {
        uint64_t number;
        if (strlen(fields[i].name) == name_length &&
            memcmp(fields[i].name, text, name_length) == 0) {
            if (!tvn_parse_u64(value, value_length, &number) || number < fields[i].first ||
                number > fields[i].last) {
                return false;
            }
            *place_of(config, &fields[i]) = (uint32_t)number;
            return true;
        }
    }
    return false;
}

bool tvn_sim_config_parse(const char *text, struct tvn_sim_config *config)
{
    for (;;) {
        text += strspn(text, " \n");
        size_t length = strcspn(text, " \n");
        if (length == 0) {
            return true;
        }
        if (!parse_field(text, length, config)) {
            return false;
        }
        text += length;
    }
}

static void add(char out_text[TVN_SIM_TEXT_MAX], const char *separator, const char *text)
{
    size_t length = strlen(out_text);
    (void)snprintf(out_text + length, TVN_SIM_TEXT_MAX - length, "%s%s",
                   length > 0 ? separator : "", text);
}

void tvn_sim_config_print(const struct tvn_sim_config *config, char out_text[TVN_SIM_TEXT_MAX])
{
    struct tvn_sim_config copy = *config;
    struct tvn_sim_config standard;
    tvn_sim_config_default(&standard);
    out_text[0] = '\0';
    for (size_t i = 0; i < TVN_ARRAY_LEN(fields); i++) {
        char text[40];
        uint32_t value = *place_of(&copy, &fields[i]);
        if (value != *place_of(&standard, &fields[i])) {
            (void)snprintf(text, sizeof(text), "%s=%" PRIu32, fields[i].name, value);
            add(out_text, " ", text);
        }
    }
    if (config->off == 0) {
        return;
    }
    bool most = __builtin_popcountll(config->off) > TVN_SIM_FAULT_COUNT / 2;
    uint64_t named = most ? ~config->off & TVN_SIM_FAULTS_ALL : config->off;
    add(out_text, " ", most ? "on=" : "off=");
    const char *separator = "";
    for (unsigned fault = 0; fault < TVN_SIM_FAULT_COUNT; fault++) {
        if ((named >> fault & 1) != 0) {
            add(out_text, separator, fault_names[fault]);
            separator = "+";
        }
    }
}
