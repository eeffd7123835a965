/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The table of all configuration keys, as data: for the parser and for whatever documents or
 * completes keys.
 *
 * Threads: immutable.
 */
#include "base/compiler.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tvn_config_section {
#define TVN_CONFIG_SECTION(section, path, type, layered) TVN_SECTION_##section,
#define TVN_CONFIG_KEY(...)
#define TVN_CONFIG_KEY_AT(...)
#define TVN_CONFIG_ALIAS(...)
#define TVN_CONFIG_PART(...)
#include "config/config_keys.def"
#undef TVN_CONFIG_SECTION
#undef TVN_CONFIG_KEY
#undef TVN_CONFIG_KEY_AT
#undef TVN_CONFIG_ALIAS
#undef TVN_CONFIG_PART
    TVN_SECTION_COUNT,
};

enum tvn_config_type {
    TVN_CONFIG_TYPE_STRING,
    TVN_CONFIG_TYPE_NAME,         /* a string: letters, digits, '_' and '-' */
    TVN_CONFIG_TYPE_PROJECT_NAME, /* the same without upper case */
    TVN_CONFIG_TYPE_VERSION,      /* a string: semantic version */
    TVN_CONFIG_TYPE_WORD,         /* a string out of choices */
    TVN_CONFIG_TYPE_CHOICE,       /* a string out of choices, kept as an enum */
    TVN_CONFIG_TYPE_BOOLEAN,
    TVN_CONFIG_TYPE_INTEGER,
    TVN_CONFIG_TYPE_RATIO,       /* 0.0 … 1.0 */
    TVN_CONFIG_TYPE_SIZE,        /* "64KiB" */
    TVN_CONFIG_TYPE_DURATION_US, /* an integer in the key's unit, or "500ms" */
    TVN_CONFIG_TYPE_DURATION_MS,
    TVN_CONFIG_TYPE_DURATION_S,
    TVN_CONFIG_TYPE_ALIAS,
    TVN_CONFIG_TYPE_PART, /* a table, array or list that code reads */
};

/* Marks a default: there is none, and the key must be given. */
#define TVN_CONFIG_REQUIRED "\001required"

struct tvn_config_key {
    enum tvn_config_section section;
    enum tvn_config_type type;
    const char *name;
    const char *default_text; /* NULL: none; TVN_CONFIG_REQUIRED */
    uint64_t min;
    uint64_t max;
    const char *choices; /* "a|b"; NULL: none */
    const char *doc;     /* of an alias: the name that it stands for */
    size_t offset;       /* of the field in the section's struct */
    size_t span_offset;  /* SIZE_MAX: the struct does not keep the place */
};

/* Rows in file order; NULL past the end. */
const struct tvn_config_key *tvn_config_key_at(size_t index);
/* Number of a row of the table. */
size_t tvn_config_key_index(const struct tvn_config_key *key);
size_t tvn_config_key_count(void);
bool tvn_config_key_is_required(const struct tvn_config_key *key);
/* "runtime.backpressure", "flow.<NAME>"; "" for the root. */
const char *tvn_config_section_path(enum tvn_config_section section);
/* Takes values from the user's file, the environment and --config too. */
bool tvn_config_section_is_layered(enum tvn_config_section section);
/* "string", "integer", "size": how a value is written. */
const char *tvn_config_type_name(enum tvn_config_type type);
/* The environment variable of a layered key: "TORVYN_RUNTIME_WORKER_THREADS". */
#define TVN_CONFIG_VARIABLE_MAX 128
struct tvn_str tvn_config_variable_name(const struct tvn_config_key *key,
                                        char out[TVN_CONFIG_VARIABLE_MAX]);

struct tvn_config;

/* What a layered key has come to. */
enum tvn_config_value_kind {
    TVN_CONFIG_VALUE_NONE, /* unset, and no default stands in for it */
    TVN_CONFIG_VALUE_TEXT,
    TVN_CONFIG_VALUE_BOOLEAN,
    TVN_CONFIG_VALUE_INTEGER,
    TVN_CONFIG_VALUE_REAL,
};
struct tvn_config_value {
    enum tvn_config_value_kind kind;
    struct tvn_str text; /* lives as long as the configuration; of a choice: its word */
    bool boolean;
    uint64_t integer; /* in the key's unit; of a size: bytes */
    double real;
};
/* COLD PATH. `key` is a value of a layered section, no alias and no part. */
void tvn_config_value_of(const struct tvn_config *config, const struct tvn_config_key *key,
                         struct tvn_config_value *out_value);
/* "64MiB", "1000B". */
void tvn_config_print_size(uint64_t bytes, struct tvn_strbuf *out);
