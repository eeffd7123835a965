/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of a script, one function per kind. */
#include "programs/wast_runner_internal.h"

static struct tvn_str text_of(const struct tvn_json *object, const char *key)
{
    const struct tvn_json *value = tvn_json_get(object, key);
    return value && tvn_json_kind(value) == TVN_JSON_STRING ? tvn_json_string(value) : TVN_STR("");
}

/* ---- definitions and instances ---- */

static enum tvn_wast_outcome broken(enum tvn_wast_load load)
{
    return load == TVN_WAST_LOADED ? TVN_WAST_PASSED : TVN_WAST_FAILED;
}

static enum tvn_wast_outcome
run_definition(struct tvn_wast_run *run, const struct tvn_json *command, struct tvn_strbuf *reason)
{
    struct tvn_wast_definition *definition = NULL;
    return broken(tvn_wast_load(run, command, reason, &definition));
}

static enum tvn_wast_outcome started(enum tvn_wast_start start)
{
    return start == TVN_WAST_STARTED       ? TVN_WAST_PASSED
           : start == TVN_WAST_UNSUPPORTED ? TVN_WAST_SKIPPED
                                           : TVN_WAST_FAILED;
}

static enum tvn_wast_outcome run_module(struct tvn_wast_run *run, const struct tvn_json *command,
                                        struct tvn_strbuf *reason)
{
    struct tvn_wast_definition *definition = NULL;
    run->current = NULL;
    enum tvn_wast_load load = tvn_wast_load(run, command, reason, &definition);
    if (load != TVN_WAST_LOADED || run->validate_only) {
        return broken(load);
    }
    return started(tvn_wast_start(run, definition, text_of(command, "name"), reason));
}

static enum tvn_wast_outcome run_instance(struct tvn_wast_run *run, const struct tvn_json *command,
                                          struct tvn_strbuf *reason)
{
    const struct tvn_wast_definition *definition =
        tvn_wast_find_definition(run, text_of(command, "module"));
    run->current = NULL;
    if (!definition) {
        tvn_strbuf_add_text(reason, "there is no such definition");
        return TVN_WAST_FAILED;
    }
    return started(tvn_wast_start(run, definition, text_of(command, "instance"), reason));
}

static enum tvn_wast_outcome run_register(struct tvn_wast_run *run, const struct tvn_json *command,
                                          struct tvn_strbuf *reason)
{
    struct tvn_wast_instance *instance = tvn_wast_find_instance(run, text_of(command, "name"));
    if (!instance) {
        tvn_strbuf_add_text(reason, "there is no such instance");
        return TVN_WAST_FAILED;
    }
    instance->registered_as = tvn_arena_str(run->arena, text_of(command, "as"));
    return TVN_WAST_PASSED;
}

/* Also assert_malformed: both must be refused before anything runs. */
static enum tvn_wast_outcome run_assert_invalid(struct tvn_wast_run *run,
                                                const struct tvn_json *command,
                                                struct tvn_strbuf *reason)
{
    if (tvn_str_is(text_of(command, "module_type"), "text") &&
        !tvn_json_get(command, "binary_filename")) {
        tvn_strbuf_add_text(reason, "text form");
        return TVN_WAST_SKIPPED;
    }
    struct tvn_wast_definition *definition = NULL;
    enum tvn_wast_load load = tvn_wast_load(run, command, reason, &definition);
    if (load == TVN_WAST_LOADED) {
        tvn_strbuf_printf(reason, "accepted; expected: %.*s",
                          TVN_STR_ARG(text_of(command, "text")));
    }
    return load == TVN_WAST_REFUSED ? TVN_WAST_PASSED : TVN_WAST_FAILED;
}

/* Instantiation must fail as `wanted`; it leaves the current instance alone. */
static enum tvn_wast_outcome expect_start(struct tvn_wast_run *run, const struct tvn_json *command,
                                          enum tvn_wast_start wanted, struct tvn_strbuf *reason)
{
    struct tvn_wast_definition *definition = NULL;
    struct tvn_wast_instance *current = run->current;
    enum tvn_wast_load load = tvn_wast_load(run, command, reason, &definition);
    if (load != TVN_WAST_LOADED) { /* some are refused early, which is as good for a bad link */
        return load == TVN_WAST_REFUSED && wanted == TVN_WAST_UNLINKED ? TVN_WAST_PASSED
                                                                       : TVN_WAST_FAILED;
    }
    enum tvn_wast_start start = tvn_wast_start(run, definition, TVN_STR(""), reason);
    run->current = current;
    if (start == TVN_WAST_UNSUPPORTED) {
        return TVN_WAST_SKIPPED;
    }
    if (start == TVN_WAST_STARTED) {
        tvn_strbuf_add_text(reason, "instantiated");
    }
    bool same_class = wanted != TVN_WAST_TRAPPED ||
                      tvn_wast_same_trap(text_of(command, "text"), tvn_strbuf_view(reason));
    if (start == wanted && same_class) {
        return TVN_WAST_PASSED;
    }
    tvn_strbuf_printf(reason, "; expected: %.*s", TVN_STR_ARG(text_of(command, "text")));
    return TVN_WAST_FAILED;
}

static enum tvn_wast_outcome run_assert_unlinkable(struct tvn_wast_run *run,
                                                   const struct tvn_json *command,
                                                   struct tvn_strbuf *reason)
{
    return expect_start(run, command, TVN_WAST_UNLINKED, reason);
}

static enum tvn_wast_outcome run_assert_uninstantiable(struct tvn_wast_run *run,
                                                       const struct tvn_json *command,
                                                       struct tvn_strbuf *reason)
{
    return expect_start(run, command, TVN_WAST_TRAPPED, reason);
}

/* ---- calls ---- */

struct call {
    struct tvn_arena *arena;
    const struct tvn_wast_instance *instance;
    const struct tvn_export *export;
    const struct tvn_value *args;
    uint32_t arg_count;
    struct tvn_value result; /* type NULL: none */
    const char *fault;       /* why it failed; NULL: it returned */
};

static const struct tvn_export *find_export(const struct tvn_wast_instance *instance,
                                            struct tvn_str field)
{
    return instance->definition->is_core
               ? tvn_wast_find_core_export(instance, field)
               : tvn_instance_find_export(instance->instance, TVN_STR(""), field);
}

static enum tvn_wast_outcome prepare_args(const struct tvn_json *action, struct call *call,
                                          struct tvn_strbuf *reason)
{
    const struct tvn_json *args = tvn_json_get(action, "args");
    const struct tvn_func_type *type = call->export->type;
    size_t count = args ? tvn_json_count(args) : 0;
    struct tvn_value *values = TVN_ARENA_ARRAY(call->arena, struct tvn_value, count + 1);
    if (!values || count != type->param_count) {
        tvn_strbuf_printf(reason, "the function takes %u arguments, not %zu",
                          (unsigned)type->param_count, count);
        return TVN_WAST_FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        if (!tvn_wast_value(call->arena, type->params[i].type, tvn_json_at(args, i), &values[i])) {
            tvn_strbuf_printf(reason, "argument %zu is not of the parameter's type ", i + 1);
            tvn_type_print(type->params[i].type, reason);
            return TVN_WAST_FAILED;
        }
    }
    call->args = values;
    call->arg_count = (uint32_t)count;
    return TVN_WAST_PASSED;
}

static enum tvn_wast_outcome prepare_call(const struct tvn_wast_run *run,
                                          const struct tvn_json *action, struct call *call,
                                          struct tvn_strbuf *reason)
{
    if (!tvn_str_is(text_of(action, "type"), "invoke")) {
        tvn_strbuf_add_text(reason, "only functions can be used");
        return TVN_WAST_SKIPPED;
    }
    struct tvn_str field = text_of(action, "field");
    call->instance = tvn_wast_find_instance(run, text_of(action, "module"));
    if (!call->instance) {
        tvn_strbuf_add_text(reason, "there is no such instance");
        return TVN_WAST_FAILED;
    }
    call->export = find_export(call->instance, field);
    if (!call->export) {
        tvn_strbuf_printf(reason, "no function '%.*s'", TVN_STR_ARG(field));
        return call->instance->definition->is_core ? TVN_WAST_SKIPPED : TVN_WAST_FAILED;
    }
    return prepare_args(action, call, reason);
}

/* PASSED: the call was made and call->fault says how it went. */
static enum tvn_wast_outcome make_call(const struct tvn_wast_run *run,
                                       const struct tvn_json *command, struct call *call,
                                       struct tvn_strbuf *reason)
{
    enum tvn_wast_outcome outcome =
        prepare_call(run, tvn_json_get(command, "action"), call, reason);
    if (outcome != TVN_WAST_PASSED) {
        return outcome;
    }
    struct tvn_instance *instance = call->instance->instance;
    bool was_dead = tvn_instance_is_dead(instance);
    enum tvn_status status =
        tvn_export_invoke(call->export, call->args, call->arg_count, call->arena, &call->result);
    if (was_dead) {
        call->fault = "cannot enter component instance: an earlier call trapped";
    } else if (status != TVN_OK) {
        call->fault = tvn_instance_fault(instance)->text;
    }
    return TVN_WAST_PASSED;
}

static bool check_result(const struct call *call, const struct tvn_json *expected,
                         struct tvn_strbuf *reason)
{
    size_t count = expected ? tvn_json_count(expected) : 0;
    bool none = !call->result.type;
    if (count == 0 && none) {
        return true;
    }
    if (count == 1 && !none &&
        tvn_wast_matches(call->arena, &call->result, tvn_json_at(expected, 0),
                         call->instance->definition->is_core)) {
        return true;
    }
    tvn_strbuf_add_text(reason, "returned ");
    if (none) {
        tvn_strbuf_add_text(reason, "nothing");
    } else {
        tvn_value_print(&call->result, reason);
    }
    tvn_strbuf_add_text(reason, ", expected ");
    tvn_json_print(expected, reason);
    return false;
}

static enum tvn_wast_outcome run_assert_return(struct tvn_wast_run *run,
                                               const struct tvn_json *command,
                                               struct tvn_strbuf *reason)
{
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    if (!arena) {
        return TVN_WAST_FAILED;
    }
    struct call call = {.arena = arena};
    enum tvn_wast_outcome outcome = make_call(run, command, &call, reason);
    if (outcome != TVN_WAST_PASSED) {
        return outcome;
    }
    if (call.fault) {
        tvn_strbuf_printf(reason, "trapped: %s", call.fault);
        return TVN_WAST_FAILED;
    }
    const struct tvn_json *expected = tvn_json_get(command, "expected");
    bool is_action = tvn_str_is(text_of(command, "type"), "action"); /* any result will do */
    return is_action || check_result(&call, expected, reason) ? TVN_WAST_PASSED : TVN_WAST_FAILED;
}

static enum tvn_wast_outcome expect_trap(struct tvn_wast_run *run, const struct tvn_json *command,
                                         struct tvn_str text, struct tvn_strbuf *reason)
{
    TVN_AUTO(tvn_arena) arena = tvn_arena_create(0);
    if (!arena) {
        return TVN_WAST_FAILED;
    }
    struct call call = {.arena = arena};
    enum tvn_wast_outcome outcome = make_call(run, command, &call, reason);
    if (outcome != TVN_WAST_PASSED) {
        return outcome;
    }
    if (call.fault && tvn_wast_same_trap(text, tvn_str_of(call.fault))) {
        return TVN_WAST_PASSED;
    }
    tvn_strbuf_printf(reason, "%s%s; expected the trap: %.*s",
                      call.fault ? "trapped: " : "returned", call.fault ? call.fault : "",
                      TVN_STR_ARG(text));
    return TVN_WAST_FAILED;
}

static enum tvn_wast_outcome
run_assert_trap(struct tvn_wast_run *run, const struct tvn_json *command, struct tvn_strbuf *reason)
{
    return expect_trap(run, command, text_of(command, "text"), reason);
}

static enum tvn_wast_outcome run_assert_exception(struct tvn_wast_run *run,
                                                  const struct tvn_json *command,
                                                  struct tvn_strbuf *reason)
{
    return expect_trap(run, command, TVN_STR("uncaught exception"), reason);
}

/* ---- all ---- */

static const struct {
    const char *type;
    enum tvn_wast_outcome (*run)(struct tvn_wast_run *, const struct tvn_json *,
                                 struct tvn_strbuf *);
    bool validates; /* also when nothing is run */
} commands[] = {
    {"module", run_module, true},
    {"module_definition", run_definition, true},
    {"module_instance", run_instance, false},
    {"register", run_register, false},
    {"action", run_assert_return, false},
    {"assert_return", run_assert_return, false},
    {"assert_trap", run_assert_trap, false},
    {"assert_exhaustion", run_assert_trap, false},
    {"assert_exception", run_assert_exception, false},
    {"assert_invalid", run_assert_invalid, true},
    {"assert_malformed", run_assert_invalid, true},
    {"assert_unlinkable", run_assert_unlinkable, false},
    {"assert_uninstantiable", run_assert_uninstantiable, false},
};

enum tvn_wast_outcome tvn_wast_execute(struct tvn_wast_run *run, const struct tvn_json *command,
                                       struct tvn_strbuf *reason)
{
    struct tvn_str type = text_of(command, "type");
    for (size_t i = 0; i < TVN_ARRAY_LEN(commands); i++) {
        if (tvn_str_is(type, commands[i].type)) {
            if (run->validate_only && !commands[i].validates) {
                return TVN_WAST_SKIPPED;
            }
            return commands[i].run(run, command, reason);
        }
    }
    tvn_strbuf_add_text(reason, "this kind of command is not supported");
    return TVN_WAST_SKIPPED;
}
