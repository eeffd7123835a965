/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the host offers to components: interfaces (from the shared model, so that their types are
 * checked at link time), and the functions behind them. A function is either raw (flat slots, no
 * allocation: the hot path) or dynamic (values).
 *
 * A set of imports is built once and shared by all instances; what differs per instance is the
 * context pointer.
 */
#include "component/definition.h"
#include "component/guest_mem.h"
#include "component/value.h"

#include <stdalign.h>

struct tvn_guest;
struct tvn_instance;

/* A core value slot; the layout of the engine's raw value (asserted in component/wasmtime). */
union tvn_flat {
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f32;
    double f64;
    alignas(8) uint8_t raw[16];
};

/* Where a component imports a host function: everything a raw host function needs, resolved at
 * instantiation. */
struct tvn_call_site {
    struct tvn_guest *guest;
    struct tvn_instance *instance;
    struct tvn_guest_mem *mem; /* NULL when the component gave no memory */
    void *host;                /* the context of the group it was added under */
    const struct tvn_func_type *type;
    const char *name; /* "torvyn:streaming/types@0.1.0#[method]buffer.read" */
    struct tvn_core_func realloc;
    bool has_realloc;
    enum tvn_string_encoding string_encoding;
    const void *impl; /* private: dynamic function */
};

/*
 * HOT PATH. `env` is the struct tvn_call_site. Arguments come in slots[0..], a flat result goes to
 * slots[0]; a result of more than one core value is stored at the pointer in the last argument
 * slot. Returns NULL, or what tvn_site_trap returned. It is the engine's own callback type: no
 * second indirection. A raw function must first check TVN_SITE_ENTER.
 */
typedef void *(*tvn_raw_func)(void *env, void *caller, union tvn_flat *slots, size_t slot_count);

/*
 * COLD PATH. Arguments and result as values, allocated in `arena` (freed after the call). Return
 * TVN_OK, or a positive status after tvn_instance_fail: the guest traps.
 */
typedef enum tvn_status (*tvn_dynamic_func)(const struct tvn_call_site *site,
                                            const struct tvn_value *args, uint32_t arg_count,
                                            struct tvn_arena *arena, struct tvn_value *out_result);

struct tvn_host_func {
    const char *name; /* "allocate", "[method]buffer.read" */
    tvn_raw_func raw; /* one of the two */
    tvn_dynamic_func dynamic;
};

/* Called when a guest drops an own handle, and for what it still held at the end. */
typedef void (*tvn_host_drop)(void *host, struct tvn_guest *guest, uint64_t rep);

/* A resource type at run time. Identity is the address. */
struct tvn_resource_rt {
    const char *name;
    struct tvn_guest *guest; /* the component instance that defined it; NULL: the host */
    tvn_host_drop drop;      /* host resources; may be NULL */
    uint32_t context;        /* host resources: context number for drop */
    bool has_destructor;     /* guest resources */
    struct tvn_core_func destructor;
};

struct tvn_host_resource {
    const char *name; /* "buffer" */
    tvn_host_drop drop;
};

struct tvn_imports;

// COLD PATH.
TVN_NODISCARD struct tvn_imports *tvn_imports_create(void);
void tvn_imports_destroy(struct tvn_imports *imports); /* no instance may live */
TVN_DEFINE_CLEANUP(tvn_imports, tvn_imports_destroy)

/*
 * COLD PATH. Offers `interface` (which outlives the imports) under its id. Every function and every
 * resource that the interface declares needs an implementation (asserted: our bug). Resources an
 * interface uses from another one resolve to that one's, which must have been added before.
 * `context` is the index into tvn_instance_options.contexts. A component's import matches by id;
 * for 0.x.y versions of wasi:* by semver track (same 0.minor, any patch).
 */
TVN_NODISCARD enum tvn_status tvn_imports_add(struct tvn_imports *imports,
                                              const struct tvn_interface *interface,
                                              const struct tvn_host_func *funcs, size_t func_count,
                                              const struct tvn_host_resource *resources,
                                              size_t resource_count, uint32_t context);
/* The run-time type of a resource that was added: for raw functions that look handles up. NULL when
 * unknown. */
const struct tvn_resource_rt *tvn_imports_resource(const struct tvn_imports *imports,
                                                   struct tvn_str interface_id,
                                                   struct tvn_str resource);

/* The offered interface that an import of this id is matched with; NULL when there is none. */
const struct tvn_interface *tvn_imports_interface(const struct tvn_imports *imports,
                                                  struct tvn_str id);

/* ---- for raw host functions ---- */

// COLD PATH. Records the fault (code, printf text) and returns the trap that the function must
// return.
TVN_COLD void *tvn_site_trap(const struct tvn_call_site *site, enum tvn_status code,
                             const char *format, ...) TVN_PRINTF(3, 4);
/* The trap of TVN_SITE_ENTER. */
TVN_COLD void *tvn_site_closed(const struct tvn_call_site *site);
/* The trap to return after a helper below failed: the fault is already recorded. */
TVN_COLD void *tvn_site_trapped(const struct tvn_call_site *site);

/*
 * HOT PATH. Guest memory from the component's realloc, called with may_leave false; aligned and in
 * bounds, else false and the fault is recorded.
 */
TVN_NODISCARD bool tvn_site_realloc(const struct tvn_call_site *site, uint32_t alignment,
                                    uint32_t length, uint32_t *out_offset);
