/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The run-time form of a component tree: one instance (store, fault, limits), a scope per component
 * instance in it (index spaces, resource types), and what the index spaces hold.
 *
 * Memory: scopes, items, call sites live in the instance's arena, handle tables on the heap.
 */
#include "component/core_internal.h"
#include "component/instance.h"

struct tvn_rt_scope;
struct tvn_items;
struct tvn_lifted;

/* A host function as offered: implementation and context number. */
struct tvn_host_impl {
    const struct tvn_host_func *func;
    const struct tvn_func_type *type; /* as offered */
    struct tvn_str item;              /* "[method]input-stream.read" */
    const char *name;                 /* "wasi:io/streams@0.2.0#[method]input-stream.read" */
    uint32_t context;
};

/* A component-level function: a host function or a lifted core function. */
struct tvn_rt_func {
    const struct tvn_host_impl *host; /* one of the two */
    struct tvn_lifted *lifted;
};

/* A component together with the scope it was defined in. */
struct tvn_rt_component {
    const struct tvn_definition *definition;
    const struct tvn_rt_scope *outer;
};

/* A core instance: made by the engine, or a bag of items. */
struct tvn_rt_core_instance {
    bool is_bag;
    struct tvn_core_instance core;
    struct tvn_items *items; /* is_bag */
};

/* One entry of an index space. */
struct tvn_item {
    enum tvn_sort sort;
    union {
        struct tvn_core_item core; /* CORE_FUNC, _TABLE, _MEMORY, _GLOBAL */
        uint32_t module;           /* CORE_MODULE: number into the document's modules */
        const struct tvn_rt_core_instance *core_instance;
        const struct tvn_rt_func *func;
        const struct tvn_resource_rt *resource; /* TYPE; NULL when it is not a resource */
        const struct tvn_rt_component *component;
        const struct tvn_items *instance;
    } of;
};

struct tvn_named_item {
    struct tvn_str name;
    struct tvn_item item;
};

/* A set of named items: a component instance, arguments, inline exports. Sorted by name when it is
 * large. */
struct tvn_items {
    struct tvn_named_item *items;
    uint32_t count;
    bool sorted;
};

/* One component instance in the making and afterwards. */
struct tvn_rt_scope {
    const struct tvn_definition *definition;
    const struct tvn_rt_scope *outer;
    struct tvn_item *spaces[TVN_SORT_COUNT];
    uint32_t counts[TVN_SORT_COUNT];
    const struct tvn_resource_rt **resources; /* by tvn_resource.index; NULL: not known here */
    uint32_t resource_count;
    struct tvn_site **late; /* by tvn_late_func.number; NULL: late functions go through the shim */
    struct tvn_items exports;
    struct tvn_guest guest;
    struct tvn_rt_scope *next; /* all scopes of the tree */
};

/* The run-time type behind a resource that a type of this scope mentions; NULL when there is none
 * (our bug). */
const struct tvn_resource_rt *tvn_rt_scope_resource(const struct tvn_rt_scope *scope,
                                                    const struct tvn_resource *resource);

/* A lifted function: what callers outside see, and the scope that its type's resources are looked
 * up in. */
struct tvn_lifted {
    struct tvn_export export;
    const struct tvn_rt_scope *scope;
    struct tvn_lifted *next; /* all of the tree */
};

/* The env of a lowered function. */
struct tvn_site {
    struct tvn_call_site site; /* first: raw host functions get this address */
    const struct tvn_rt_scope *scope;
    const struct tvn_host_func *dynamic; /* dynamic host functions */
    struct tvn_lifted *callee;           /* functions of other component instances */
};

/* The env of resource.new, resource.rep and resource.drop. */
struct tvn_resource_site {
    struct tvn_call_site site;
    const struct tvn_resource_rt *type;
};

/* A memory that no module exports: what it can have grown to by now, and what it declares. */
struct tvn_hidden_memory {
    uint64_t bound_bytes;
    uint64_t max_bytes;
};

#define TVN_GUEST_MEMS_MAX TVN_COMPONENT_MEMORIES_MAX

struct tvn_instance {
    /* hot */
    void *context; /* of the store */
    bool dead;
    bool has_fuel; /* the engine meters fuel */
    uint32_t ticks_in_call;
    uint64_t fuel;       /* per call; UINT64_MAX: not metered */
    uint64_t timeout_ns; /* per call; 0: unbounded */
    uint64_t first_tick_ns;
    const _Atomic int *cancel;
    void *contexts[TVN_HOST_CONTEXTS_MAX];
    /* cold */
    struct tvn_engine *engine;
    const struct tvn_component *component;
    const struct tvn_imports *imports;
    void *store;
    struct tvn_arena *arena;
    const char *name;
    struct tvn_rt_scope *root;
    struct tvn_rt_scope *scopes;
    struct tvn_lifted *lifted;
    uint32_t scope_count;
    uint32_t steps; /* of instantiation, TVN_INSTANTIATE_STEPS_MAX at most */
    uint64_t max_memory_bytes;
    uint64_t memory_limit_bytes; /* per memory, as the store has it now */
    uint32_t core_instance_count;
    uint32_t core_memory_count;
    struct tvn_core_memory core_memories[TVN_COMPONENT_MEMORIES_MAX]; /* all that are exported */
    uint32_t hidden_memory_count;
    struct tvn_hidden_memory hidden_memories[TVN_COMPONENT_MEMORIES_MAX];
    struct tvn_guest_mem *mems[TVN_GUEST_MEMS_MAX];
    uint32_t mem_count;
    uint64_t fuel_consumed; /* by calls before the running or last one */
    uint64_t fuel_set;      /* what the running or last call started with */
    struct tvn_fault fault;
};

/* ---- items.c ---- */

/* Room for `capacity` items. TVN_E_OUT_OF_MEMORY. */
TVN_NODISCARD enum tvn_status tvn_items_init(struct tvn_items *items, struct tvn_arena *arena,
                                             uint32_t capacity);
void tvn_items_add(struct tvn_items *items, struct tvn_str name, const struct tvn_item *item);
/* After the last add. */
void tvn_items_seal(struct tvn_items *items);
const struct tvn_item *tvn_items_find(const struct tvn_items *items, struct tvn_str name,
                                      enum tvn_sort sort);

/* ---- imports_bind.c ---- */

/*
 * What the host offers for one import of the root component: an item for the index space. Binds the
 * resources of `type` in `scope` as it goes. E0212.
 */
TVN_NODISCARD enum tvn_status tvn_imports_bind(struct tvn_instance *instance,
                                               struct tvn_rt_scope *scope,
                                               const struct tvn_def *import,
                                               struct tvn_diag_sink *sink,
                                               struct tvn_item *out_item);

/* ---- instantiate.c ---- */

/*
 * Builds the tree below instance->root. On failure a diagnostic is in the sink or the fault is
 * recorded; *out_offset is the definition that failed.
 */
TVN_NODISCARD enum tvn_status tvn_instantiate_root(struct tvn_instance *instance,
                                                   struct tvn_diag_sink *sink,
                                                   uint32_t *out_offset);

/* ---- scope.c ---- */

/* A component instance without content. `outer`: where it is defined, `parent`: the instance that
 * instantiates it. */
TVN_NODISCARD enum tvn_status tvn_rt_scope_create(struct tvn_instance *instance,
                                                  const struct tvn_definition *definition,
                                                  const struct tvn_rt_scope *outer,
                                                  struct tvn_guest *parent,
                                                  struct tvn_rt_scope **out_scope);
const struct tvn_item *tvn_rt_scope_item(const struct tvn_rt_scope *scope, enum tvn_sort sort,
                                         uint32_t index);
/* Binds the resources that `type` names to those of the actual item. */
TVN_NODISCARD enum tvn_status tvn_rt_scope_bind(struct tvn_rt_scope *scope,
                                                const struct tvn_extern *type,
                                                const struct tvn_item *item);
/* Counts work; E0213 beyond TVN_INSTANTIATE_STEPS_MAX. */
TVN_NODISCARD enum tvn_status tvn_instantiate_steps(struct tvn_instance *instance, uint32_t count);
/* Our own bugs and the arena's end, as faults. */
TVN_COLD enum tvn_status tvn_instantiate_broken(struct tvn_instance *instance, const char *what);
TVN_COLD enum tvn_status tvn_instantiate_no_memory(struct tvn_instance *instance);

/* ---- instantiate_canon.c ---- */

TVN_NODISCARD enum tvn_status tvn_instantiate_canon(struct tvn_instance *instance,
                                                    struct tvn_rt_scope *scope,
                                                    const struct tvn_def *def,
                                                    struct tvn_item *out_item);

/*
 * The late function that `late` says, lowered from `func`: traps as an empty slot of a table until
 * its canonical definition comes.
 */
TVN_NODISCARD enum tvn_status tvn_instantiate_late(struct tvn_instance *instance,
                                                   struct tvn_rt_scope *scope,
                                                   const struct tvn_late_func *late,
                                                   const struct tvn_rt_func *func,
                                                   struct tvn_item *out_item);
/* Stands in for the guest of a late function without options: may not leave, has nothing. */
extern const struct tvn_guest tvn_guest_of_empty_slot;

/* ---- canon_resource.c, call_site.c, guest_call.c: raw callbacks behind core functions ---- */

void *tvn_resource_new_raw(void *env, void *caller, union tvn_flat *slots, size_t slot_count);
void *tvn_resource_rep_raw(void *env, void *caller, union tvn_flat *slots, size_t slot_count);
void *tvn_resource_drop_raw(void *env, void *caller, union tvn_flat *slots, size_t slot_count);
void *tvn_dynamic_raw(void *env, void *caller, union tvn_flat *slots, size_t slot_count);
void *tvn_guest_call_raw(void *env, void *caller, union tvn_flat *slots, size_t slot_count);

/* Records why tvn_handle_find refused an index. Returns the fault's code. */
TVN_COLD enum tvn_status tvn_guest_bad_handle(struct tvn_guest *guest,
                                              const struct tvn_resource_rt *type, uint32_t index);
/* One borrow fewer for the call that it was lent to. */
void tvn_guest_borrow_dropped(struct tvn_guest *guest, uint32_t scope);

/* ---- guest_call.c: entering and leaving ---- */

/*
 * Marks the component instances that a call from `from` (NULL: the host) into `guest` enters; false
 * and a fault when one of them runs already. Starts a new borrow scope. `frame` lives until the
 * matching leave.
 */
struct tvn_outer_call {
    struct tvn_outer_call *outer;
    uint32_t scope;
    uint32_t scope_borrows;
    bool interrupted; /* the guest was running: only possible from one of its children, or itself */
};
TVN_NODISCARD bool tvn_guest_enter(struct tvn_guest *guest, const struct tvn_guest *from,
                                   struct tvn_outer_call *frame);
void tvn_guest_leave(struct tvn_guest *guest, const struct tvn_guest *from,
                     struct tvn_outer_call *frame);
