/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the files of this module share while one manifest is being loaded. The order of work:
 * defaults, user's file, manifest (manifest_decode.c), environment and --config (layers.c,
 * node_config.c), inheritance (manifest.c). Every step goes on after an error, so that one run
 * reports all of them.
 */
#include "base/arena.h"
#include "config/keys.h"
#include "config/manifest.h"
#include "format/toml.h"

struct config_load {
    struct tvn_arena *arena;
    struct tvn_diag_sink *sink;
    const char *const *environment;
    struct tvn_manifest *manifest;     /* being filled */
    struct tvn_manifest_flow *flows;   /* manifest->flows, writable */
    struct tvn_manifest_node implicit; /* of a manifest without flows: its only component */
    enum tvn_config_layer layer;       /* that is being read */
    struct tvn_config_origin *origins; /* manifest->origins, writable; NULL: not kept */
    enum tvn_status status;            /* of the first error */
    bool unknown_keys;                 /* some were reported: what is missing may be a typo */
};

/* Notes that `status` was reported. */
static inline void config_failed(struct config_load *load, enum tvn_status status)
{
    if (load->status == TVN_OK) {
        load->status = status;
    }
}
#define config_error(load, code, at, ...) \
    config_failed((load), tvn_diag_error((load)->sink, (code), (at), __VA_ARGS__))
void config_no_memory(struct config_load *load);
/* Text for a message: escaped, at most 64 bytes. Never NULL. */
const char *config_shown(struct config_load *load, struct tvn_str text);
/* Value of an environment variable or NULL. */
const char *config_getenv(const struct config_load *load, struct tvn_str name);

/* keys.c. Follows aliases; NULL for an unknown key. */
const struct tvn_config_key *config_find_key(enum tvn_config_section section, struct tvn_str name);
/* Nearest name of a section's keys, or NULL. */
const char *config_suggest_key(enum tvn_config_section section, struct tvn_str name);
/* "[runtime.backpressure]" with all its keys, for help. */
const char *config_key_list(struct config_load *load, enum tvn_config_section section);

/* interpolate.c. Replaces ${…} in a string value; NULL after an error. *out_changed: something was
 * replaced. */
const char *config_interpolate(struct config_load *load, const struct tvn_toml_value *value,
                               bool *out_changed);

/* value.c. Each writes the field of *out that the key names, and its span, or reports. */
void config_set_text(struct config_load *load, const struct tvn_config_key *key,
                     struct tvn_str text, struct tvn_span at, void *out);
void config_set_value(struct config_load *load, const struct tvn_config_key *key,
                      const struct tvn_toml_value *value, void *out);
/* A string value, interpolated and without NUL; NULL after an error. `what` names it in messages.
 */
const char *config_string(struct config_load *load, const char *what,
                          const struct tvn_toml_value *value);
void config_wrong_type(struct config_load *load, const char *what, const char *expected,
                       const struct tvn_toml_value *value);
/* Letters, digits, '_' and '-'; reports E0702 otherwise. */
bool config_check_name(struct config_load *load, const char *what, struct tvn_str name,
                       struct tvn_span at);

/* section.c */
/* Reads a PART key. */
typedef void (*config_part)(struct config_load *load, const struct tvn_config_key *key,
                            const struct tvn_toml_entry *entry, void *out);
void config_set_defaults(struct config_load *load, enum tvn_config_section section, void *out);
/*
 * Fills *out from a table; reports unknown and missing keys, the latter at `at`. A key that the
 * user most likely meant when writing an unknown one is not reported as missing: one typo is one
 * error.
 */
struct config_table {
    enum tvn_config_section section;
    const char *title; /* "[flow.main]" */
    const struct tvn_toml_table *table;
    struct tvn_span at;
    config_part part; /* NULL: the section has no PART keys */
};
/* False if it reported an unknown key. */
bool config_decode(struct config_load *load, const struct config_table *from, void *out);
/* Returns the key that was suggested instead, or NULL. */
const struct tvn_config_key *config_unknown_key(struct config_load *load,
                                                enum tvn_config_section section, const char *title,
                                                struct tvn_str name, struct tvn_span at);
/* Strings that stayed NULL become "". */
void config_fill_strings(enum tvn_config_section section, void *out);
/* NULL after reporting that the value is no table. */
const struct tvn_toml_table *config_table_of(struct config_load *load, const char *what,
                                             const struct tvn_toml_value *value);

/* The struct of manifest->config that a layered section fills. */
void *config_layered_struct(struct tvn_config *config, enum tvn_config_section section);
/* A PART of a layered section: its sub-sections. Grants are skipped. */
void config_decode_layered_part(struct config_load *load, const struct tvn_config_key *key,
                                const struct tvn_toml_entry *entry, void *out);

/* flow_decode.c */
void config_decode_flows(struct config_load *load, const struct tvn_toml_entry *flow_entry);

/* manifest_decode.c */
void config_decode_manifest(struct config_load *load, const struct tvn_toml_table *root);
/* The user's file: layered sections only. */
void config_decode_user(struct config_load *load, const struct tvn_toml_table *root);

/* layers.c */
/* E0004, E0002 for too large, E0011, by the status of tvn_file_read and errno. */
void config_read_failed(struct config_load *load, const char *path, enum tvn_status status);
void config_apply_user_file(struct config_load *load, const char *path);
void config_apply_environment(struct config_load *load);
void config_apply_overrides(struct config_load *load, const char *const *overrides, size_t count);

/* node_config.c. NODE.key=value: true if the key's beginning is a node's name. */
struct config_override {
    struct tvn_str key;
    struct tvn_str value;
    struct tvn_span key_span;
    struct tvn_span value_span;
};
bool config_merge_into_nodes(struct config_load *load, const struct config_override *override);
/* The node's name in a manifest that has no flow but one component; NULL. */
const char *config_implicit_node(const struct config_load *load);
