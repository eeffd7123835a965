/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The parts of building: plans by language, running them, and the record of what was built. */
#include "base/arena.h"
#include "base/vec.h"
#include "toolchain/build.h"
#include "toolchain/probe.h"

#define BUILD_ARGUMENTS_MAX 65536
#define BUILD_STEPS_MAX     4096
#define BUILD_PLACES_MAX    6

/* An argument vector that grows; ends with NULL once it is finished. */
struct build_words {
    TVN_VEC(const char *) list;
    struct tvn_arena *arena;
    bool failed; /* no memory; nothing was added from then on */
};

struct build_plan;

struct build_step {
    const char *const *argv;
    /* Instead of a program: done at once, without `argv`. Reports what goes wrong. */
    enum tvn_status (*act)(struct build_plan *plan);
    const char *const *environment; /* NULL: none */
    const char *directory;          /* NULL: where torvyn runs */
    const char *name;               /* of the tool, for messages: "clang-19" */
    bool quiet;                     /* its output counts only when it fails */
};

/* What building one component takes. */
struct build_plan {
    struct tvn_arena *arena;
    const struct tvn_build_options *options;
    const struct tvn_build_component *component;
    struct tvn_diag_sink *sink;
    const char *root;    /* the component's folder */
    const char *project; /* the manifest's folder */
    const char *work;    /* for what is between source and component; made before the first step */
    const char *output;  /* where the component goes */
    const char *record;
    const char *mirror;    /* where it goes as well; NULL: nowhere */
    const char *exclusive; /* what no other plan may use at the same time; NULL: nothing */
    /* Where the steps leave the component: the newest of these is it. */
    const char *places[BUILD_PLACES_MAX + 1];
    /* Written by compilers: what they read, as make rules. */
    TVN_VEC(const char *) depfiles;
    TVN_VEC(struct build_step) steps;
    bool clean; /* places[0] is removed before the first step */
    char key[65];
};

/* ---- build_plan.c ---- */
TVN_NODISCARD enum tvn_status build_plan_create(const struct tvn_build_options *options,
                                                const struct tvn_build_component *component,
                                                struct tvn_arena *arena, struct tvn_diag_sink *sink,
                                                struct build_plan *out_plan);
void build_plan_deinit(struct build_plan *plan);
enum tvn_status build_no_memory(struct tvn_diag_sink *sink);
/* NULL: no memory. Without needless "./". */
const char *build_join(struct tvn_arena *arena, const char *directory, const char *name);
/* NULL: no memory, or it has none. */
char *build_working_directory(struct tvn_arena *arena);
/* "component 'x' (c)" */
const char *build_needed_by(struct build_plan *plan);
/* A path below the component's folder, for messages. */
const char *build_shown(struct build_plan *plan, const char *name);
void build_word(struct build_words *words, const char *word);
void build_words_of(struct build_words *words, const char *const *list);
/* Adds a step of the words and empties them. */
TVN_NODISCARD enum tvn_status build_add_step(struct build_plan *plan, struct build_words *words,
                                             struct build_step step);

/* ---- one file for each language: adds its steps ---- */
TVN_NODISCARD enum tvn_status build_plan_c(struct build_plan *plan);
TVN_NODISCARD enum tvn_status build_plan_rust(struct build_plan *plan);
TVN_NODISCARD enum tvn_status build_plan_python(struct build_plan *plan);
TVN_NODISCARD enum tvn_status build_plan_javascript(struct build_plan *plan);
TVN_NODISCARD enum tvn_status build_plan_go(struct build_plan *plan);
TVN_NODISCARD enum tvn_status build_plan_zig(struct build_plan *plan);
TVN_NODISCARD enum tvn_status build_plan_command(struct build_plan *plan);
/* build_plan_c.c: wit-bindgen's step for what is made of C bindings, and their name without suffix;
 * the last step, which makes a component of module.wasm. */
TVN_NODISCARD enum tvn_status build_c_bindings(struct build_plan *plan, const char **out_name);
TVN_NODISCARD enum tvn_status build_component(struct build_plan *plan);
const char *build_in_work(struct build_plan *plan, const char *name, const char *suffix);
/* build_plan_rust.c: `target/wasm32-wasip2/{debug,release}/<name>.wasm` below the root. */
const char *build_rust_place(struct build_plan *plan, bool release);

/* ---- build_files.c ---- */
struct build_files {
    TVN_VEC(const char *) list; /* paths, sorted, each once */
};
void build_files_deinit(struct build_files *files);
TVN_DEFINE_CLEANUP_VALUE(build_files, build_files_deinit)
/* Adds the files below a folder, without hidden ones and what tools make. `suffix` NULL: all. A
 * folder that is not there has none. TVN_FULL beyond the limits, TVN_E_IO_ERROR,
 * TVN_E_OUT_OF_MEMORY. */
TVN_NODISCARD enum tvn_status build_files_add(struct build_files *files, struct tvn_arena *arena,
                                              const char *folder, const char *suffix);

/* ---- build_record.c ---- */
/* Whether the output is what the plan would make of the files as they are now. */
bool build_record_is_fresh(struct build_plan *plan);
/* The state of the inputs before the first step, without lock files; NULL: no memory, and no
 * record. */
const char *build_record_inputs(struct build_plan *plan);
/* Writes the record of a build that began with these inputs. */
void build_record_write(struct build_plan *plan, const char *inputs);

/* ---- build_run.c ---- */
struct tvn_process;

struct build_job {
    struct build_plan *plan; /* NULL: not to be run */
    struct tvn_build_result *result;
    struct tvn_strbuf log;
    const char *inputs;
    size_t step;
    bool running;
    bool done;
    bool told; /* that another torvyn builds this component */
    uint64_t started_ns;
    int lock; /* held from the start to the end; -1: not, or it cannot be had */
    struct tvn_process *process;
};
/* Runs the plans; adds errors of what came out of them. */
TVN_NODISCARD enum tvn_status build_run(struct build_job *jobs, size_t count,
                                        const struct tvn_build_options *options);
