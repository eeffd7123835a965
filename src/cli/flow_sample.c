/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/flow_sample.h"

#include "base/assert.h"
#include "base/num.h"

#include <math.h>

#define NS_PER_SECOND 1e9
#define NS_PER_MS     1e6
#define NS_PER_US     1e3
#define REAL_MAX      1e18 /* of a time in the answer */

/* ---- reading: each sets *ok to false when it is not as it must be ---- */

static uint64_t number(const struct tvn_json *object, const char *key, bool *ok)
{
    const struct tvn_json *value = tvn_json_get(object, key);
    if (!value || tvn_json_kind(value) != TVN_JSON_INTEGER || tvn_json_integer(value) < 0) {
        *ok = false;
        return 0;
    }
    return (uint64_t)tvn_json_integer(value);
}

static double real(const struct tvn_json *object, const char *key, bool *ok)
{
    const struct tvn_json *value = tvn_json_get(object, key);
    if (!value ||
        (tvn_json_kind(value) != TVN_JSON_INTEGER && tvn_json_kind(value) != TVN_JSON_REAL)) {
        *ok = false;
        return 0;
    }
    double result = tvn_json_real(value);
    *ok = *ok && result >= 0 && result <= REAL_MAX;
    return *ok ? result : 0;
}

static const char *text(const struct tvn_json *object, const char *key, struct tvn_arena *arena,
                        bool *ok)
{
    const struct tvn_json *value = tvn_json_get(object, key);
    if (!value || tvn_json_kind(value) != TVN_JSON_STRING) {
        *ok = false;
        return "";
    }
    struct tvn_str string = tvn_json_string(value);
    const char *copy =
        string.len <= TVN_SAMPLE_NAME_MAX ? tvn_arena_strndup(arena, string.ptr, string.len) : NULL;
    *ok = *ok && copy;
    return copy ? copy : "";
}

bool tvn_sample_is_flow_name(struct tvn_str name)
{
    bool valid = name.len > 0 && name.len <= TVN_SAMPLE_NAME_MAX;
    for (size_t i = 0; valid && i < name.len; i++) {
        char c = name.ptr[i];
        valid = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '_' || c == '-';
    }
    return valid;
}

static bool read_stage(const struct tvn_json *json, struct tvn_arena *arena,
                       struct tvn_stage_sample *out)
{
    bool ok = true;
    *out = (struct tvn_stage_sample){
        .name = text(json, "name", arena, &ok),
        .role = text(json, "role", arena, &ok),
        .invocations = number(json, "invocations", &ok),
        .emitted = number(json, "emitted", &ok),
        .dropped = number(json, "dropped", &ok),
        .failed = number(json, "failed", &ok),
        .errors = number(json, "errors", &ok),
        .restarts = number(json, "restarts", &ok),
        .memory_bytes = number(json, "memory_bytes", &ok),
        .timed_calls = number(json, "timed_calls", &ok),
        .timed_ns = number(json, "timed_ns", &ok),
        .p50_us = real(json, "p50_us", &ok),
        .p99_us = real(json, "p99_us", &ok),
    };
    return ok;
}

/* The stage of that name; *ok false when there is none. */
static uint32_t find_stage(const struct tvn_flow_sample *sample, const struct tvn_json *edge,
                           const char *key, bool *ok)
{
    const struct tvn_json *value = tvn_json_get(edge, key);
    for (uint32_t i = 0;
         value && tvn_json_kind(value) == TVN_JSON_STRING && i < sample->stage_count; i++) {
        if (tvn_str_is(tvn_json_string(value), sample->stages[i].name)) {
            return i;
        }
    }
    *ok = false;
    return 0;
}

static bool read_edge(const struct tvn_json *json, struct tvn_arena *arena,
                      const struct tvn_flow_sample *sample, struct tvn_edge_sample *out)
{
    bool ok = true;
    *out = (struct tvn_edge_sample){
        .from = find_stage(sample, json, "from", &ok),
        .to = find_stage(sample, json, "to", &ok),
        .port = text(json, "port", arena, &ok),
        .policy = text(json, "policy", arena, &ok),
        .capacity = number(json, "capacity", &ok),
        .depth = number(json, "depth", &ok),
        .peak_depth = number(json, "peak_depth", &ok),
        .transferred = number(json, "transferred", &ok),
        .dropped = number(json, "dropped", &ok),
        .backpressure_events = number(json, "backpressure_events", &ok),
        .backpressure_ms = real(json, "backpressure_ms", &ok),
    };
    return ok;
}

/* The array `key`, of 0 to `max` items. */
static const struct tvn_json *array(const struct tvn_json *json, const char *key, uint32_t max)
{
    const struct tvn_json *value = tvn_json_get(json, key);
    bool fits = value && tvn_json_kind(value) == TVN_JSON_ARRAY && tvn_json_count(value) <= max;
    return fits ? value : NULL;
}

static bool read_stages(const struct tvn_json *json, struct tvn_arena *arena,
                        struct tvn_flow_sample *sample)
{
    const struct tvn_json *items = array(json, "components", TVN_SAMPLE_STAGES_MAX);
    uint32_t count = items ? (uint32_t)tvn_json_count(items) : 0;
    struct tvn_stage_sample *stages = TVN_ARENA_ARRAY(arena, struct tvn_stage_sample, count);
    bool ok = items && stages;
    for (uint32_t i = 0; ok && i < count; i++) {
        ok = read_stage(tvn_json_at(items, i), arena, &stages[i]);
    }
    sample->stages = stages;
    sample->stage_count = count;
    return ok;
}

static bool read_edges(const struct tvn_json *json, struct tvn_arena *arena,
                       struct tvn_flow_sample *sample)
{
    const struct tvn_json *items = array(json, "streams", TVN_SAMPLE_EDGES_MAX);
    uint32_t count = items ? (uint32_t)tvn_json_count(items) : 0;
    struct tvn_edge_sample *edges = TVN_ARENA_ARRAY(arena, struct tvn_edge_sample, count);
    bool ok = items && edges;
    for (uint32_t i = 0; ok && i < count; i++) {
        ok = read_edge(tvn_json_at(items, i), arena, sample, &edges[i]);
    }
    sample->edges = edges;
    sample->edge_count = count;
    return ok;
}

bool tvn_flow_sample_read(const struct tvn_json *json, struct tvn_arena *arena,
                          struct tvn_flow_sample *out_sample)
{
    bool ok = tvn_json_kind(json) == TVN_JSON_OBJECT;
    struct tvn_flow_sample sample = {
        .id = text(json, "id", arena, &ok),
        .state = text(json, "state", arena, &ok),
        .level = text(json, "level", arena, &ok),
        .elements = number(json, "elements", &ok),
        .delivered = number(json, "delivered", &ok),
        .dropped = number(json, "dropped", &ok),
        .failed = number(json, "failed", &ok),
        .errors = number(json, "errors", &ok),
        .copies = number(json, "copies", &ok),
        .copied_bytes = number(json, "copied_bytes", &ok),
        .now_ns = number(json, "now_ns", &ok),
        .started_ns = number(json, "started_ns", &ok),
        .ended_ns = number(json, "ended_ns", &ok),
        .idle_ns = number(json, "idle_ns", &ok),
        .sample_every = number(json, "sample_every", &ok),
    };
    if (!ok || !tvn_sample_is_flow_name(tvn_str_of(sample.id)) ||
        !read_stages(json, arena, &sample) || !read_edges(json, arena, &sample)) {
        return false;
    }
    *out_sample = sample;
    return true;
}

/* ---- what follows ---- */

bool tvn_flow_sample_follows(const struct tvn_flow_sample *earlier,
                             const struct tvn_flow_sample *later)
{
    return strcmp(earlier->id, later->id) == 0 && earlier->started_ns == later->started_ns &&
           earlier->now_ns <= later->now_ns && earlier->stage_count == later->stage_count &&
           earlier->edge_count == later->edge_count;
}

/* Counters that went back, because the process lies or a benchmark resets them, count from 0. */
static double grown(uint64_t earlier, uint64_t later)
{
    return (double)(later >= earlier ? later - earlier : later);
}

static double per_second(double amount, double seconds)
{
    return seconds > 0 ? amount / seconds : 0;
}

static uint64_t end_of(const struct tvn_flow_sample *sample)
{
    return sample->ended_ns != 0 ? tvn_min(sample->ended_ns, sample->now_ns) : sample->now_ns;
}

/* Between the two, while the flow ran. */
static double seconds_between(const struct tvn_flow_sample *earlier,
                              const struct tvn_flow_sample *later)
{
    uint64_t begin = earlier ? end_of(earlier) : later->started_ns;
    uint64_t end = end_of(later);
    return end > begin && later->started_ns != 0 ? (double)(end - begin) / NS_PER_SECOND : 0;
}

static double share(double ns, double seconds)
{
    return tvn_min(per_second(ns / NS_PER_SECOND, seconds), 1.0);
}

static bool is_exact(const struct tvn_flow_sample *sample)
{
    return strcmp(sample->level, "diagnostic") == 0;
}

void tvn_flow_rates(const struct tvn_flow_sample *earlier, const struct tvn_flow_sample *later,
                    struct tvn_flow_rates *out_rates)
{
    static const struct tvn_flow_sample none;
    const struct tvn_flow_sample *from = earlier ? earlier : &none;
    double seconds = seconds_between(earlier, later);
    *out_rates = (struct tvn_flow_rates){
        .seconds = seconds,
        .elements = per_second(grown(from->elements, later->elements), seconds),
        .delivered = per_second(grown(from->delivered, later->delivered), seconds),
        .dropped = per_second(grown(from->dropped, later->dropped), seconds),
        .failed = per_second(grown(from->failed, later->failed), seconds),
        .errors = per_second(grown(from->errors, later->errors), seconds),
        .copies = per_second(grown(from->copies, later->copies), seconds),
        .copied_bytes = per_second(grown(from->copied_bytes, later->copied_bytes), seconds),
        .idle = share(grown(from->idle_ns, later->idle_ns), seconds),
        .is_estimate = !is_exact(later) || (earlier && !is_exact(earlier)),
    };
}

double tvn_edge_rate(const struct tvn_flow_sample *earlier, const struct tvn_flow_sample *later,
                     uint32_t edge)
{
    tvn_assert(edge < later->edge_count);
    uint64_t before = earlier ? earlier->edges[edge].transferred : 0;
    return per_second(grown(before, later->edges[edge].transferred),
                      seconds_between(earlier, later));
}

/* Elements that its calls were made with. */
static double handled(const struct tvn_flow_sample *earlier, const struct tvn_flow_sample *later,
                      uint32_t stage)
{
    double count = 0;
    bool is_source = true;
    for (uint32_t i = 0; i < later->edge_count; i++) {
        if (later->edges[i].to == stage) {
            uint64_t before = earlier ? earlier->edges[i].transferred : 0;
            count += grown(before, later->edges[i].transferred);
            is_source = false;
        }
    }
    uint64_t emitted = earlier ? earlier->stages[stage].emitted : 0;
    return is_source ? grown(emitted, later->stages[stage].emitted) : count;
}

/* The longest of its outputs' back-pressure: they end together where a stage waits for all. */
static double blocked_share(const struct tvn_flow_sample *earlier,
                            const struct tvn_flow_sample *later, uint32_t stage, double seconds)
{
    double result = 0;
    for (uint32_t i = 0; i < later->edge_count; i++) {
        const struct tvn_edge_sample *edge = &later->edges[i];
        bool blocks = strcmp(edge->policy, "block") == 0 || strcmp(edge->policy, "rate-limit") == 0;
        if (edge->from == stage && blocks) {
            double before = earlier ? earlier->edges[i].backpressure_ms : 0;
            double ms = tvn_max(edge->backpressure_ms - before, 0.0);
            result = tvn_max(result, share(ms * NS_PER_MS, seconds));
        }
    }
    return result;
}

void tvn_stage_shares(const struct tvn_flow_sample *earlier, const struct tvn_flow_sample *later,
                      uint32_t stage, struct tvn_stage_shares *out_shares)
{
    tvn_assert(stage < later->stage_count);
    const struct tvn_stage_sample *now = &later->stages[stage];
    double seconds = seconds_between(earlier, later);
    double calls = grown(earlier ? earlier->stages[stage].timed_calls : 0, now->timed_calls);
    double ns = grown(earlier ? earlier->stages[stage].timed_ns : 0, now->timed_ns);
    double count = handled(earlier, later, stage);
    bool exact = is_exact(later) && (!earlier || is_exact(earlier));
    bool known = seconds > 0 && (calls > 0 || count <= 0);
    double total_ns = exact || calls <= 0 ? ns : ns / calls * count;
    double blocked = blocked_share(earlier, later, stage, seconds);
    /* A stage that is held back is not called: the two never overlap, estimates may. */
    double busy = known ? tvn_min(share(total_ns, seconds), 1 - blocked) : -1;
    *out_shares = (struct tvn_stage_shares){
        .busy = busy,
        .blocked = blocked,
        .idle = known ? tvn_max(1 - busy - blocked, 0.0) : -1,
        .mean_us = calls > 0 ? ns / calls / NS_PER_US : -1,
        .per_second = per_second(count, seconds),
    };
}
