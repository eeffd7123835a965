/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * wast-runner: commands of a script of the public test suites, as `wasm-tools json-from-wast`
 * writes them, executed on the component layer.
 *
 * Threads: one. Memory: what a script makes lives until its end. Limits: TVN_WAST_ITEMS_MAX
 * definitions and instances in one script, and as many resources held across instances.
 */
#include "base/vec.h"
#include "component/engine.h"
#include "component/instance.h"
#include "format/json.h"

#define TVN_WAST_ITEMS_MAX  10000
#define TVN_WAST_TIMEOUT_MS 30000

struct tvn_wast_counts {
    unsigned passed;
    unsigned failed;
    unsigned skipped;
};

enum tvn_wast_outcome { TVN_WAST_PASSED, TVN_WAST_FAILED, TVN_WAST_SKIPPED };

/* A component (or a core module inside a component of ours), decoded and compiled. */
struct tvn_wast_definition {
    struct tvn_wast_definition *older;
    struct tvn_str name; /* len 0: only "the last one" */
    uint8_t *bytes;      /* owned */
    struct tvn_component *component;
    bool is_core;
    const char *unsupported; /* why it cannot be instantiated here; NULL: it can */
};

struct tvn_wast_instance {
    struct tvn_wast_instance *older;
    struct tvn_str name;          /* len 0: only "the last one" */
    struct tvn_str registered_as; /* len 0: for nobody */
    const struct tvn_wast_definition *definition;
    struct tvn_imports *imports; /* owned; what it was linked with */
    struct tvn_instance *instance;
};

/* A resource of one instance that another one holds: a handle there has its number as `rep`. */
struct tvn_wast_held {
    struct tvn_instance *instance; /* that made it; NULL: nobody holds it any more */
    const struct tvn_resource_rt *type;
    uint64_t rep;
};

/* What the script host's resource has seen: some scripts ask. */
struct tvn_wast_host_state {
    uint32_t drops;
    uint32_t last_drop;
};

struct tvn_wast_run {
    struct tvn_engine *engine;
    const char *directory;   /* of the JSON file */
    struct tvn_str source;   /* the script's name, for messages */
    struct tvn_arena *arena; /* names and linked interfaces */
    struct tvn_wast_counts counts;
    bool verbose;
    bool validate_only;                      /* nothing is instantiated or called */
    struct tvn_wast_definition *definitions; /* the newest first */
    struct tvn_wast_instance *instances;     /* likewise */
    unsigned item_count;                     /* of both */
    struct tvn_wast_instance *current;       /* NULL: the last instantiation failed */
    TVN_VEC(struct tvn_wast_held) held;
    struct tvn_wast_host_state host;
};

/* ---- wast_runner_commands.c ---- */

/* Executes one command; `reason` says why it failed or was skipped. */
enum tvn_wast_outcome tvn_wast_execute(struct tvn_wast_run *run, const struct tvn_json *command,
                                       struct tvn_strbuf *reason);
/* Destroys instances and definitions, the last ones first. */
void tvn_wast_run_deinit(struct tvn_wast_run *run);

/* ---- wast_runner_load.c ---- */

enum tvn_wast_load {
    TVN_WAST_LOADED,
    TVN_WAST_REFUSED, /* as invalid or too complex: `reason` has the first diagnostic */
    TVN_WAST_BROKEN,  /* the file is missing, memory is exhausted … */
};
/* Decodes, validates and compiles the command's file; *out_definition belongs to the run. */
enum tvn_wast_load tvn_wast_load(struct tvn_wast_run *run, const struct tvn_json *command,
                                 struct tvn_strbuf *reason,
                                 struct tvn_wast_definition **out_definition);
enum tvn_wast_start {
    TVN_WAST_STARTED,
    TVN_WAST_TRAPPED,
    TVN_WAST_UNLINKED,
    TVN_WAST_UNSUPPORTED,
    TVN_WAST_NOT_STARTED, /* for another reason */
};
/* Makes an instance; it becomes the current one. `reason` has the first diagnostic. */
enum tvn_wast_start tvn_wast_start(struct tvn_wast_run *run,
                                   const struct tvn_wast_definition *definition,
                                   struct tvn_str name, struct tvn_strbuf *reason);
/* NULL when unknown; len 0: the last one (the current one). */
const struct tvn_wast_definition *tvn_wast_find_definition(const struct tvn_wast_run *run,
                                                           struct tvn_str name);
struct tvn_wast_instance *tvn_wast_find_instance(const struct tvn_wast_run *run,
                                                 struct tvn_str name);

/* ---- wast_runner_core.c ---- */

bool tvn_wast_is_core_module(const uint8_t *bytes, size_t length);
/* A component that holds the core module and nothing else. */
enum tvn_status tvn_wast_wrap_module(const uint8_t *bytes, size_t length, struct tvn_strbuf *out);
/*
 * A component that instantiates the core module and lifts the functions it exports, as far as a
 * component can: export n of the module is called "f<n>". False when the module has imports.
 */
bool tvn_wast_lift_module(const uint8_t *bytes, size_t length,
                          const struct tvn_core_module_type *type, struct tvn_strbuf *out);
/* The export of a core instance that stands for `field`; NULL when there is none or it cannot be
 * lifted. */
const struct tvn_export *tvn_wast_find_core_export(const struct tvn_wast_instance *instance,
                                                   struct tvn_str field);

/* ---- wast_runner_link.c, wast_runner_host.c ---- */

#define TVN_WAST_CONTEXT_LINKS 0 /* struct tvn_wast_links */
#define TVN_WAST_CONTEXT_HOST  1 /* struct tvn_wast_run */

struct tvn_wast_links;

/* Adds what the registered instances and the script host offer to `component`. False: no memory. */
bool tvn_wast_link(struct tvn_wast_run *run, const struct tvn_component *component,
                   struct tvn_imports *imports, struct tvn_wast_links **out_links);
/* Functions of the world itself and, unless a script registered another one, the instance "host".
 */
bool tvn_wast_offer_host(struct tvn_imports *imports, bool with_instance);

/* ---- wast_runner_values.c ---- */

/* A constant of a script as a value of `type`; false when it is none. */
bool tvn_wast_value(struct tvn_arena *arena, const struct tvn_type *type,
                    const struct tvn_json *constant, struct tvn_value *out_value);
/*
 * Is `value` what the script expects? All NaNs of a component are one value; those of a core module
 * (`exact`) have bits, nan:canonical or nan:arithmetic.
 */
bool tvn_wast_matches(struct tvn_arena *arena, const struct tvn_value *value,
                      const struct tvn_json *expected, bool exact);

/* ---- wast_runner_traps.c ---- */

/* Do both texts name the same class of trap? `expected` may be empty: any trap. */
bool tvn_wast_same_trap(struct tvn_str expected, struct tvn_str actual);
