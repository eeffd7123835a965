/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/component_stage.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "contracts/compat.h"
#include "engine/stage_calls.h"
#include "security/guard.h"
#include "wasi/wasi.h"

#include <errno.h>
#include <stdio.h>

/* ---- what a role exports ---- */

struct role_entry {
    enum tvn_entry entry;
    const char *func;
};
#define ROLE_ENTRIES_MAX 2
static const struct role_row {
    const char *interface; /* without version */
    const char *id;        /* the canonical contract */
    struct role_entry entries[ROLE_ENTRIES_MAX];
} role_rows[] = {
    [TVN_ROLE_SOURCE] = {"torvyn:streaming/source",
                         "torvyn:streaming/source@0.1.0",
                         {{TVN_ENTRY_PULL, "pull"}, {TVN_ENTRY_NOTIFY, "notify-backpressure"}}},
    [TVN_ROLE_PROCESSOR] = {"torvyn:streaming/processor",
                            "torvyn:streaming/processor@0.1.0",
                            {{TVN_ENTRY_PROCESS, "process"}}},
    [TVN_ROLE_FILTER] = {"torvyn:filtering/filter",
                         "torvyn:filtering/filter@0.1.0",
                         {{TVN_ENTRY_EVALUATE, "evaluate"}}},
    [TVN_ROLE_ROUTER] = {"torvyn:filtering/router",
                         "torvyn:filtering/router@0.1.0",
                         {{TVN_ENTRY_ROUTE, "route"}}},
    [TVN_ROLE_AGGREGATOR] = {"torvyn:aggregation/aggregator",
                             "torvyn:aggregation/aggregator@0.1.0",
                             {{TVN_ENTRY_INGEST, "ingest"}, {TVN_ENTRY_FLUSH, "flush"}}},
    [TVN_ROLE_SINK] = {"torvyn:streaming/sink",
                       "torvyn:streaming/sink@0.1.0",
                       {{TVN_ENTRY_PUSH, "push"}, {TVN_ENTRY_COMPLETE, "complete"}}},
};
static const struct role_row lifecycle_row = {
    "torvyn:streaming/lifecycle",
    "torvyn:streaming/lifecycle@0.1.0",
    {{TVN_ENTRY_INIT, "init"}, {TVN_ENTRY_TEARDOWN, "teardown"}}};

/* "torvyn:streaming/sink@0.1.3" is the interface "torvyn:streaming/sink". */
static bool id_is(struct tvn_str id, const char *interface)
{
    size_t at = tvn_str_find(id, '@');
    return tvn_str_is(at == SIZE_MAX ? id : tvn_str_slice(id, 0, at), interface);
}

static const struct tvn_interface *exported(const struct tvn_component *component,
                                            const char *interface)
{
    const struct tvn_world *world = tvn_component_world(component);
    for (size_t i = 0; i < world->export_count; i++) {
        const struct tvn_world_item *item = &world->exports[i];
        if (item->kind == TVN_WORLD_INTERFACE && id_is(item->interface->id, interface)) {
            return item->interface;
        }
    }
    return NULL;
}

/* ---- binding ---- */

static enum tvn_status refuse_shape(const struct tvn_component *component,
                                    const struct tvn_func *wanted, const struct role_row *row,
                                    struct tvn_diag_sink *sink)
{
    TVN_AUTO_VALUE(tvn_strbuf) shape = {0};
    tvn_func_type_print(&wanted->type, &shape);
    (void)tvn_diag_error(sink, TVN_E_INTERFACE_INCOMPATIBLE,
                         (struct tvn_span){tvn_component_file(component), 0, 0},
                         "the component's '%.*s' does not match the contract '%s'",
                         TVN_STR_ARG(wanted->name), row->id);
    tvn_diag_note(sink, "the contract says: %.*s: %s", TVN_STR_ARG(wanted->name),
                  tvn_strbuf_text(&shape));
    return TVN_E_INTERFACE_INCOMPATIBLE;
}

/* Binds the functions of one interface after comparing their types with the contract's. */
static enum tvn_status bind_row(struct tvn_component_stage *stage,
                                const struct tvn_component *component,
                                const struct tvn_wit *contracts, const struct role_row *row,
                                struct tvn_diag_sink *sink)
{
    const struct tvn_interface *offered = exported(component, row->interface);
    if (!offered) {
        return TVN_NOT_FOUND;
    }
    const struct tvn_interface *contract = tvn_wit_find_interface(contracts, tvn_str_of(row->id));
    tvn_assert(contract);
    for (size_t i = 0; i < ROLE_ENTRIES_MAX && row->entries[i].func; i++) {
        struct tvn_str name = tvn_str_of(row->entries[i].func);
        const struct tvn_func *wanted = tvn_interface_find_func(contract, name);
        tvn_assert(wanted);
        const struct tvn_export *export =
            tvn_instance_find_export(stage->instance, offered->id, name);
        if (!export || !tvn_contract_func_equal(export->type, &wanted->type)) {
            return refuse_shape(component, wanted, row, sink);
        }
        bool takes_pointer = row->entries[i].entry != TVN_ENTRY_PULL &&
                             wanted->type.param_count > 0 &&
                             row->entries[i].entry != TVN_ENTRY_NOTIFY;
        if ((wanted->type.result && !export->mem) || (takes_pointer && !export->has_realloc)) {
            return refuse_shape(component, wanted, row,
                                sink); /* lifted without the options that its type needs */
        }
        stage->entries[row->entries[i].entry] = export;
    }
    return TVN_OK;
}

static enum tvn_status bind_role(struct tvn_component_stage *stage,
                                 const struct tvn_runtime *runtime,
                                 const struct tvn_component *component, struct tvn_diag_sink *sink)
{
    struct tvn_span at = {tvn_component_file(component), 0, 0};
    const struct role_row *row = &role_rows[stage->invoker.role];
    const struct tvn_wit *contracts = tvn_runtime_contracts(runtime);
    enum tvn_status status = bind_row(stage, component, contracts, row, sink);
    if (status == TVN_NOT_FOUND) {
        (void)tvn_diag_error(sink, TVN_E_INTERFACE_INCOMPATIBLE, at,
                             "the component does not export '%s'", row->interface);
        tvn_diag_note(sink, "node '%s' uses it as a %s", stage->name,
                      tvn_role_name(stage->invoker.role));
        tvn_diag_help(sink, "export %s from the component's world, or correct the node's interface",
                      row->id);
        return TVN_E_INTERFACE_INCOMPATIBLE;
    }
    TVN_TRY(status);
    status = bind_row(stage, component, contracts, &lifecycle_row, sink);
    return status == TVN_NOT_FOUND ? TVN_OK : status; /* lifecycle is optional */
}

/* ---- the invoker's cold operations ---- */

static bool stage_has_entry(const struct tvn_invoker *invoker, enum tvn_entry entry)
{
    const struct tvn_component_stage *stage =
        (const struct tvn_component_stage *)(const void *)invoker;
    return stage->entries[entry] != NULL;
}

/* Gives back all that the instance held: buffers to the pool, WASI's files and sockets. */
static void drop_instance(struct tvn_component_stage *stage)
{
    if (stage->wasi) {
        tvn_wasi_flush(stage->wasi);
    }
    tvn_instance_destroy(TVN_TAKE(stage->instance));
    tvn_wasi_destroy(TVN_TAKE(stage->wasi));
    memset(stage->entries, 0, sizeof(stage->entries));
    stage->row = (struct tvn_stage_row){0};
}

static void stage_destroy(struct tvn_invoker *invoker)
{
    struct tvn_component_stage *stage =
        TVN_CONTAINER_OF(invoker, struct tvn_component_stage, invoker);
    tvn_stage_discard_flush(stage);
    drop_instance(stage);
    tvn_free(stage->config);
    tvn_free(stage->name);
    tvn_free(stage->flow_id);
    tvn_free(stage);
}

static void stage_refresh(struct tvn_invoker *invoker)
{
    struct tvn_component_stage *stage =
        TVN_CONTAINER_OF(invoker, struct tvn_component_stage, invoker);
    tvn_stat_set(&stage->stats->memory_bytes, tvn_instance_memory_bytes(stage->instance));
    if (stage->sandbox->fuel_per_invocation > 0) {
        uint64_t fuel = tvn_instance_fuel_consumed(stage->instance);
        tvn_stat_add(&stage->stats->fuel, fuel - stage->fuel_seen);
        stage->fuel_seen = fuel;
    }
}

static enum tvn_outcome stage_idle(struct tvn_invoker *invoker, struct tvn_fault *fault)
{
    struct tvn_component_stage *stage =
        TVN_CONTAINER_OF(invoker, struct tvn_component_stage, invoker);
    tvn_wasi_flush(stage->wasi);
    stage_refresh(invoker); /* who looks at a flow that rests sees all of it */
    if (TVN_UNLIKELY(tvn_instance_is_dead(stage->instance))) {
        *fault = *tvn_instance_fault(stage->instance);
        return TVN_OUTCOME_DEAD;
    }
    return TVN_OUTCOME_EMIT;
}

static enum tvn_outcome stage_restart(struct tvn_invoker *invoker, struct tvn_fault *fault);

static const struct tvn_invoker_ops stage_ops = {
    .invoke = tvn_stage_invoke,
    .invoke_row = tvn_stage_invoke_row,
    .has_entry = stage_has_entry,
    .refresh = stage_refresh,
    .idle = stage_idle,
    .restart = stage_restart,
    .destroy = stage_destroy,
};

/* ---- a stage whose last restart failed: it has no instance ---- */

static enum tvn_outcome gone_invoke(struct tvn_invoker *invoker, enum tvn_entry entry,
                                    struct tvn_call *call)
{
    (void)invoker;
    (void)entry;
    call->out_count = 0;
    *call->fault = (struct tvn_fault){.code = TVN_E_COMPONENT_TRAPPED,
                                      .text = "the component could not be started again"};
    return TVN_OUTCOME_DEAD;
}

static bool gone_has_entry(const struct tvn_invoker *invoker, enum tvn_entry entry)
{
    (void)invoker;
    (void)entry;
    return false;
}

static const struct tvn_invoker_ops gone_ops = {
    .invoke = gone_invoke,
    .has_entry = gone_has_entry,
    .restart = stage_restart,
    .destroy = stage_destroy,
};

/* ---- WASI's view of the stage ---- */

static bool wasi_check(void *context, enum tvn_capability capability, const char *scope)
{
    struct tvn_component_stage *stage = context;
    return tvn_guard_check(stage->guard, capability, scope);
}

static enum tvn_status wasi_write(void *context, enum tvn_wasi_stream_kind stream,
                                  const char *bytes, size_t length)
{
    struct tvn_component_stage *stage = context;
    bool is_output = stream == TVN_WASI_STDOUT;
    enum tvn_status status = stage->write(stage->write_context, is_output ? 1 : 2, bytes, length);
    if (TVN_UNLIKELY(status != TVN_OK && is_output && stage->instance)) {
        /* What a stage prints is the flow's output, and guests seldom look whether it got there:
         * the running call ends the flow when it comes back. */
        (void)tvn_instance_fail(stage->instance, status, "cannot write to standard output: %s",
                                status == TVN_E_IO_ERROR
                                    ? strerror(errno)
                                    : "nobody takes it, and the flow was cancelled");
    }
    return status;
}

static uint64_t wasi_deadline(void *context)
{
    const struct tvn_component_stage *stage = context;
    if (stage->instance) {
        return tvn_instance_deadline_ns(stage->instance);
    }
    uint64_t timeout_ms = stage->sandbox->init_timeout_ms; /* it is being instantiated */
    uint64_t now_ns = tvn_clock_monotonic_ns();
    bool is_bounded = timeout_ms > 0 && timeout_ms <= (UINT64_MAX - now_ns) / 1000000;
    return is_bounded ? now_ns + timeout_ms * 1000000 : 0;
}

static const struct tvn_wasi_ops wasi_ops = {
    .check = wasi_check, .write = wasi_write, .deadline_ns = wasi_deadline};

/* ---- creation ---- */

static const struct tvn_trace_ids no_trace_ids;

static enum tvn_status init_fields(struct tvn_component_stage *stage,
                                   const struct tvn_component_stage_options *options)
{
    stage->invoker = (struct tvn_invoker){.ops = &stage_ops, .role = options->role};
    stage->types = *tvn_runtime_resources(stage->runtime);
    stage->magazine = options->magazine;
    stage->slots = (*options->magazine)->slots;
    stage->intern = options->intern;
    stage->stats = options->stats;
    stage->owner = options->owner;
    stage->sandbox = options->sandbox;
    stage->budget.max_bytes = options->sandbox->max_memory_bytes;
    stage->budget.parent = options->flow_budget;
    stage->max_buffer_bytes = options->sandbox->max_buffer_bytes;
    stage->flow_deadline_ns = options->flow_deadline_ns;
    stage->trace_ids = options->trace_ids ? options->trace_ids : &no_trace_ids;
    stage->guard = options->guard;
    stage->write = options->write;
    stage->write_context = options->write_context;
    stage->ports = options->ports;
    stage->port_count = options->port_count;
    stage->cancel = options->cancel;
    stage->cancel_fd = options->cancel_fd;
    stage->stdin_fd = options->stdin_fd;
    stage->blocking = options->blocking;
    stage->config_length = options->config.len;
    stage->config =
        tvn_strndup(options->config.len ? options->config.ptr : "", options->config.len);
    stage->name = tvn_strdup(options->name);
    stage->flow_id = tvn_strdup(options->flow_id);
    return stage->config && stage->name && stage->flow_id ? TVN_OK : TVN_E_OUT_OF_MEMORY;
}

static enum tvn_status create_wasi(struct tvn_component_stage *stage)
{
    return tvn_wasi_create(
        &(struct tvn_wasi_options){
            .world = tvn_runtime_wasi_world(stage->runtime),
            .sandbox = stage->sandbox,
            .ops = &wasi_ops,
            .context = stage,
            .argument = stage->name,
            .stdin_fd = stage->stdin_fd,
            .cancel = stage->cancel,
            .cancel_fd = stage->cancel_fd,
            .blocking = stage->blocking,
        },
        &stage->wasi);
}

/* An instance in a store of its own, bound to the role's exports. */
static enum tvn_status instantiate(struct tvn_component_stage *stage, struct tvn_diag_sink *sink)
{
    enum tvn_status status = create_wasi(stage);
    if (status != TVN_OK) {
        return tvn_diag_error(sink, tvn_status_fold(status), TVN_SPAN_NONE,
                              "no memory for node '%s'", stage->name);
    }
    const struct tvn_sandbox *sandbox = stage->sandbox;
    uint64_t linear_bytes = sandbox->declared_memory_bytes;
    if (linear_bytes == 0 || linear_bytes > sandbox->max_memory_bytes) {
        linear_bytes = sandbox->max_memory_bytes;
    }
    struct tvn_instance_options options = {
        .name = stage->name,
        .imports = tvn_runtime_imports(stage->runtime),
        .contexts = {[TVN_CONTEXT_STAGE] = stage, [TVN_CONTEXT_WASI] = stage->wasi},
        .max_memory_bytes = linear_bytes,
        .cancel = stage->cancel,
    };
    TVN_TRY(tvn_instance_create(tvn_runtime_engine(stage->runtime), stage->component, &options,
                                stage->sandbox->init_timeout_ms, sink, &stage->instance));
    tvn_instance_set_limits(stage->instance, stage->sandbox->invocation_timeout_ms,
                            stage->sandbox->fuel_per_invocation);
    return bind_role(stage, stage->runtime, stage->component, sink);
}

static struct tvn_fault fault_of(enum tvn_status status, const struct tvn_diag_sink *sink)
{
    struct tvn_fault fault = {.code = status};
    for (size_t i = 0; i < tvn_diag_count(sink); i++) {
        const struct tvn_diagnostic *diagnostic = tvn_diag_at(sink, i);
        if (diagnostic->severity == TVN_SEVERITY_ERROR) {
            (void)snprintf(fault.text, sizeof(fault.text), "%s", diagnostic->message);
            break;
        }
    }
    return fault;
}

static enum tvn_outcome stage_restart(struct tvn_invoker *invoker, struct tvn_fault *fault)
{
    struct tvn_component_stage *stage =
        TVN_CONTAINER_OF(invoker, struct tvn_component_stage, invoker);
    tvn_assert(fault);
    if (stage->instance) {
        stage_refresh(invoker); /* what the dead one used counts, too */
    }
    drop_instance(stage);
    stage->memory_seen_bytes = 0;
    stage->fuel_seen = 0;
    stage->has_incoming = false;
    stage->budget.max_bytes = stage->sandbox->max_memory_bytes;
    stage->invoker.ops = &gone_ops;
    TVN_AUTO(tvn_diag_sink) sink = tvn_diag_sink_create();
    enum tvn_status status = sink ? instantiate(stage, sink) : TVN_E_OUT_OF_MEMORY;
    if (status != TVN_OK) {
        *fault = sink ? fault_of(status, sink) : (struct tvn_fault){.code = status};
        drop_instance(stage);
        return TVN_OUTCOME_DEAD;
    }
    stage->invoker.ops = &stage_ops;
    if (!stage->entries[TVN_ENTRY_INIT]) {
        return TVN_OUTCOME_EMIT;
    }
    struct tvn_call call = {.fault = fault};
    return tvn_stage_invoke(&stage->invoker, TVN_ENTRY_INIT, &call);
}

enum tvn_status tvn_component_stage_create(struct tvn_runtime *runtime,
                                           const struct tvn_component *component,
                                           const struct tvn_component_stage_options *options,
                                           struct tvn_diag_sink *sink,
                                           struct tvn_invoker **out_stage)
{
    tvn_assert(runtime && component && options && sink && out_stage);
    tvn_assert(options->owner != TVN_OWNER_HOST && options->sandbox && options->guard &&
               options->write && options->port_count <= TVN_CALL_PORTS_MAX);
    struct tvn_component_stage *stage = tvn_calloc(1, sizeof(*stage));
    if (!stage) {
        return tvn_diag_error(sink, TVN_E_OUT_OF_MEMORY, TVN_SPAN_NONE, "no memory for node '%s'",
                              options->name);
    }
    stage->runtime = runtime;
    stage->component = component;
    enum tvn_status status = init_fields(stage, options);
    if (status != TVN_OK) {
        (void)tvn_diag_error(sink, status, TVN_SPAN_NONE, "no memory for node '%s'", options->name);
    } else {
        status = instantiate(stage, sink);
    }
    if (status != TVN_OK) {
        stage_destroy(&stage->invoker);
        return status;
    }
    *out_stage = &stage->invoker;
    return TVN_OK;
}

uint64_t tvn_component_stage_memory_bytes(struct tvn_invoker *invoker)
{
    const struct tvn_component_stage *stage =
        TVN_CONTAINER_OF(invoker, struct tvn_component_stage, invoker);
    tvn_assert(invoker->ops == &stage_ops || invoker->ops == &gone_ops);
    return stage->instance ? tvn_instance_memory_bytes(stage->instance) : 0;
}
