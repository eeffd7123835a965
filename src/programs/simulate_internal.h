/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The simulator: flows of the real reactor over the real resources in a world without threads,
 * whose time, schedule and trouble come from one seed.
 *
 * simulate.c: options, processes. simulate_config.c: what a run may be limited to.
 * simulate_generate.c: flows. simulate_stage.c: scripted stages. simulate_model.c,
 * simulate_graph.c: what each call must do to queues and counters, from the reactor's documentation
 * alone. simulate_check.c: model against reactor after every turn. simulate_watch.c: the same of
 * events. simulate_world.c: time, schedule, events. simulate_shrink.c: from a failing seed to a
 * small one.
 *
 * Memory: a world allocates when it makes a flow; it ends with its process after a violation.
 * Limits: TVN_SIM_FLOWS_MAX flows of TVN_SIM_STAGES_MAX stages.
 */
#include "base/compiler.h"
#include "programs/simulate_random.h"
#include "reactor/flow.h"
#include "resources/resources.h"

#include <stdatomic.h>

#define TVN_SIM_FLOWS_MAX   50
#define TVN_SIM_STAGES_MAX  20
#define TVN_SIM_EDGES_MAX   64
#define TVN_SIM_DEPTH_MAX   256
#define TVN_SIM_WORKERS_MAX 4
#define TVN_SIM_TRAPS_MAX   8
#define TVN_SIM_LEAKS_MAX   4
#define TVN_SIM_BUFFERS_MAX (1u << 19)
#define TVN_SIM_ENTRY_COUNT (TVN_ENTRY_TEARDOWN + 1)
#define TVN_SIM_TEXT_MAX    512

/* What can happen beside the normal; each world has a random half of these at random rates. */
#define TVN_SIM_FAULTS(X)                     \
    X(DROP, "drop")                           \
    X(INVALID_INPUT, "invalid-input")         \
    X(UNAVAILABLE, "unavailable")             \
    X(INTERNAL, "internal")                   \
    X(DEADLINE_EXCEEDED, "deadline-exceeded") \
    X(FATAL, "fatal")                         \
    X(TRAP, "trap")                           \
    X(WAIT_TIME, "wait-time")                 \
    X(WAIT_FD, "wait-fd")                     \
    X(BLOCKED, "blocked")                     \
    X(PAUSE, "pause")                         \
    X(SLOW, "slow")                           \
    X(OVERSIZE, "oversize")                   \
    X(LEAK, "leak")                           \
    X(NOTIFY, "notify")                       \
    X(INIT, "init")                           \
    X(COMPLETE, "complete")                   \
    X(TEARDOWN, "teardown")                   \
    X(IDLE, "idle")                           \
    X(PORT, "port")                           \
    X(OVERFLOW, "overflow")                   \
    X(BYTES, "bytes")                         \
    X(RATE, "rate")                           \
    X(DEBUG, "debug")                         \
    X(RESTART, "restart")                     \
    X(WRAP, "wrap")                           \
    X(SUSPEND, "suspend")                     \
    X(DRAIN, "drain")                         \
    X(CANCEL, "cancel")                       \
    X(DEADLINE, "deadline")                   \
    X(LIMIT, "limit")                         \
    X(DESTROY, "destroy")                     \
    X(SPURIOUS, "spurious")                   \
    X(EXHAUST, "exhaust")                     \
    X(ALLOCATION, "allocation")               \
    X(JUMP, "jump")                           \
    X(WALL, "wall")

enum tvn_sim_fault {
#define X(name, text) TVN_SIM_##name,
    TVN_SIM_FAULTS(X)
#undef X
        TVN_SIM_FAULT_COUNT,
};

#define TVN_SIM_FAULTS_ALL ((UINT64_C(1) << TVN_SIM_FAULT_COUNT) - 1)
#define TVN_SIM_ANY        UINT32_MAX

/* A run. What is smaller than the maximum was shrunk. */
struct tvn_sim_config {
    uint64_t seed;
    uint64_t steps;
    uint64_t off;    /* bit per fault */
    uint32_t flows;  /* at once */
    uint32_t only;   /* the one flow that exists, or TVN_SIM_ANY */
    uint32_t life;   /* of that flow, the first one that is run */
    uint32_t stages; /* at most */
    uint32_t depth;  /* of a queue, at most */
    uint32_t workers;
    uint32_t rows; /* which stages take calls in a row: 0 none, 1 some, 2 all; changes nothing */
};

/* simulate_config.c */
void tvn_sim_config_default(struct tvn_sim_config *config);
/* "flows=1 stages=3 off=trap+drain", or on= and all others off; false for anything else. */
TVN_NODISCARD bool tvn_sim_config_parse(const char *text, struct tvn_sim_config *config);
/* What differs from the default; "" when nothing does. */
void tvn_sim_config_print(const struct tvn_sim_config *config, char out_text[TVN_SIM_TEXT_MAX]);
const char *tvn_sim_fault_name(enum tvn_sim_fault fault);

/* What a run leaves; in memory shared with the process that started it. */
struct tvn_sim_result {
    uint64_t seed;
    uint64_t step; /* of the violation, or all */
    uint64_t calls;
    uint64_t trace; /* hash of all that happened */
    uint32_t flow;  /* of the violation; TVN_SIM_ANY */
    uint32_t life;
    char text[TVN_SIM_TEXT_MAX]; /* what was violated; "" when nothing was */
};

/* A record in a queue, as the model expects it. */
struct tvn_sim_record {
    uint64_t sequence;
    uint64_t timestamp_ns; /* 0: given by the reactor, not seen yet */
    uint64_t payload;
    uint64_t tag;   /* in its trace id */
    uint32_t bytes; /* of its payload */
};

/* A token bucket of the model; a token is TVN_SIM_TOKEN parts, per_second of which come in a ns. */
#define TVN_SIM_TOKEN 1000000000
__extension__ typedef __int128 tvn_sim_wide;
struct tvn_sim_bucket {
    tvn_sim_wide level;
    uint64_t at_ns;
};

struct tvn_sim_edge {
    uint32_t from;
    uint32_t to;
    uint32_t capacity;
    uint32_t low_mark;
    uint32_t port;
    double ratio;       /* of the low watermarks */
    uint64_t max_bytes; /* 0: no limit */
    uint64_t low_bytes;
    enum tvn_overflow_policy policy;
    bool closed;   /* its consumer has failed */
    bool has_held; /* under a limit in bytes: one that waits beside the queue */
    struct tvn_sim_record held;
    uint64_t bytes;
    uint64_t per_second; /* of a rate; 0: none */
    uint32_t burst;
    uint32_t asked_burst;          /* 0: what 10 ms bring */
    struct tvn_sim_bucket strict;  /* as if each token were taken when the call is over */
    struct tvn_sim_bucket lenient; /* as if when the turn began */
    uint32_t passed_over;          /* elements taken from others while it had one */
    uint32_t head;
    uint32_t count;
    uint32_t peak;
    bool throttled;
    uint64_t events; /* times that it became throttled */
    uint64_t transferred;
    uint64_t dropped;
    bool event_throttled; /* as the event sink was told */
    uint64_t event_since_ns;
    uint64_t event_ns;
    uint64_t last_timestamp_ns; /* given by the reactor */
    struct tvn_sim_record *slots;
    struct tvn_stream_stats stats; /* the reactor's */
};

enum tvn_sim_wait {
    TVN_SIM_WAIT_NONE,
    TVN_SIM_WAIT_UNTIL,  /* not_before_ns */
    TVN_SIM_WAIT_POLL,   /* until the next turn */
    TVN_SIM_WAIT_PARKED, /* a paused source, until READY */
};

struct tvn_sim_stage {
    struct tvn_invoker invoker;
    struct tvn_invoker_ops ops;
    struct tvn_sim_world *world;
    struct tvn_sim_flow *flow;
    uint32_t index;
    struct tvn_sim_random random;
    uint32_t entries; /* optional ones: bit per entry */
    bool has_idle;
    bool has_restart;
    uint64_t restart_backoff_ns;
    uint64_t circuit_window_ns;
    uint32_t circuit_traps;
    enum tvn_on_error on_error;
    uint32_t max_retries;
    uint64_t retry_backoff_ns;
    /* Behaviour. */
    uint32_t cost_ns; /* of a call, at most */
    uint32_t payload_max;
    bool pass_through;
    bool stubborn;       /* TEARDOWN never ends */
    uint64_t count;      /* of a source */
    uint32_t flush_left; /* of an aggregator */
    uint64_t ports;      /* of a router: those that lead somewhere */
    enum tvn_merge merge;
    uint64_t poll_ready_ns;
    struct tvn_buffer *leaks[TVN_SIM_LEAKS_MAX];
    uint32_t leak_count;
    struct tvn_budget budget;
    bool between; /* two calls of a row: nobody may call it */
    /* Model. */
    uint32_t inputs[TVN_SIM_EDGES_MAX];
    uint32_t outputs[TVN_SIM_EDGES_MAX];
    uint32_t input_count;
    uint32_t output_count;
    bool initialised;
    bool torn_down;
    bool settled; /* it was asked what it could not pass on */
    bool dead;
    bool failed;
    bool ended;
    bool exhausted;                     /* said END */
    bool completed;                     /* COMPLETE, or FLUSH to the end */
    const struct tvn_sim_edge *repeats; /* whose first element comes again */
    const struct tvn_sim_edge *taken;   /* the last input */
    bool has_last;                      /* of an aggregator */
    struct tvn_sim_record last;
    bool paused; /* by the last signal */
    bool idle_waits;
    enum tvn_sim_wait wait;
    uint64_t not_before_ns;
    uint64_t backoff_ns;
    uint32_t attempts;
    uint64_t trap_times_ns[TVN_SIM_TRAPS_MAX]; /* of the last circuit_traps deaths, a ring */
    uint64_t trap_count;
    uint32_t restart_failures; /* in a row */
    uint32_t starving_turns;   /* it could work and was not called */
    /* Counters of the model, and the reactor's. */
    uint64_t invocations;
    uint64_t errors;
    uint64_t emitted;
    uint64_t dropped;
    uint64_t failures;
    uint64_t absorbed;
    uint64_t held; /* of these, since the last output */
    uint64_t flushed;
    uint64_t letters;
    uint64_t restarts;
    uint64_t skipped; /* errors after which work went on */
    struct tvn_stage_stats stats;
};

struct tvn_sim_flow {
    struct tvn_sim_world *world;
    uint32_t index;
    uint32_t life;
    uint32_t worker;
    struct tvn_sim_random random;
    struct tvn_flow *flow; /* NULL: not made */
    struct tvn_flow_quantum quantum;
    enum tvn_fan_out fan_out;
    struct tvn_flow_wait wait;
    struct tvn_magazine *magazine; /* of the worker that runs it */
    struct tvn_budget budget;      /* of all its buffers */
    uint64_t charged;              /* what the model expects in it */
    struct tvn_event_sink events;
    bool events_always; /* it gets events all the time */
    enum tvn_flow_state event_state;
    uint64_t event_counts[TVN_EVENT_KIND_COUNT];
    uint64_t watched_calls;
    uint64_t row_calls; /* of the vector that goes on, if all of its calls are watched */
    uint32_t row_stage;
    bool watches_row;        /* the sink agreed to a row, or that it goes on */
    enum tvn_flow_turn turn; /* the last one's answer */
    uint64_t start_step;
    uint64_t turns;
    uint64_t calls_in_turn;
    uint64_t late_calls;  /* after the turn's time was over */
    uint32_t quiet_turns; /* in a row without a call */
    bool nudged;          /* something happened that it must look at */
    /* Model. */
    bool started;
    bool aborting;
    bool cut_pending;
    bool closing;
    bool sources_stopped;
    bool in_turn;
    bool may_call;  /* of this turn: not suspended, not aborting */
    bool suspended; /* in this turn */
    tvn_pause_flag pause;
    const struct tvn_sim_stage *called;  /* the last one */
    const struct tvn_sim_stage *blocked; /* its last pull waited, no other stage was called since */
    enum tvn_flow_state last_state;
    uint64_t limit;
    uint64_t deadline_ns; /* absolute once started; UINT64_MAX: none */
    uint64_t turn_begin_ns;
    uint64_t turn_end_ns;
    uint64_t turn_wall_ns;
    uint64_t wall_high_ns; /* the highest wall clock so far */
    uint64_t failure_sequence;
    bool failure_has_sequence;
    enum tvn_status failure_code; /* TVN_OK: none */
    uint32_t failure_stage;
    uint64_t pulled;
    uint64_t delivered;
    uint64_t dropped;
    uint64_t failures;
    uint64_t errors;
    uint64_t forked;
    uint64_t flushed;
    uint64_t absorbed;
    uint64_t discarded;
    uint64_t letters;
    uint64_t restarts;
    bool letter_due; /* of letter_stage, with letter_sequence */
    uint32_t letter_stage;
    uint64_t letter_sequence;
    uint64_t wakeups;
    uint64_t idle_ns;
    uint64_t idle_since_ns; /* UINT64_MAX: it is not idle */
    uint32_t stage_count;
    uint32_t edge_count;
    struct tvn_flow_stats stats;
    tvn_stop_flag stop;
    struct tvn_sim_stage stages[TVN_SIM_STAGES_MAX];
    struct tvn_sim_edge edges[TVN_SIM_EDGES_MAX];
    struct tvn_sim_record *slots; /* of all edges */
};

/* A buffer as the model knows it; by index. */
struct tvn_sim_buffer {
    uint64_t payload; /* 0: free */
    uint64_t last;    /* the one before; must be stale */
    uint32_t holders;
    uint32_t bytes;
    uint32_t capacity;
};

struct tvn_sim_world {
    struct tvn_sim_config config;
    struct tvn_sim_result *result;
    bool verbose;
    bool calm; /* the end: no trouble any more, everything must finish */
    struct tvn_sim_random random;
    uint32_t rates[TVN_SIM_FAULT_COUNT]; /* of 65536 */
    uint64_t now_ns;
    uint64_t wall_offset_ns;
    uint64_t step;
    uint64_t calls;
    uint64_t turn_reads; /* of the clock, in this turn */
    uint64_t trace;
    uint32_t flow_count;
    uint32_t worker_count;
    uint32_t worker; /* the one whose turn it is */
    struct tvn_resources *resources;
    uint64_t max_buffer_bytes;
    bool pools_refuse;     /* when they are exhausted */
    bool fails_at_random;  /* the pools' own switch */
    bool allocation_fails; /* in this step */
    struct tvn_magazine *magazines[TVN_SIM_WORKERS_MAX];
    struct tvn_sim_buffer *buffers;
    uint64_t live; /* buffers */
    struct tvn_sim_flow *flows[TVN_SIM_FLOWS_MAX];
    uint32_t lives[TVN_SIM_FLOWS_MAX];
};

/* Tells what was violated and ends the process. `flow` may be NULL. */
TVN_NORETURN void tvn_sim_violation(struct tvn_sim_world *world, const struct tvn_sim_flow *flow,
                                    const char *format, ...) TVN_PRINTF(3, 4);
#define tvn_sim_require(flow_, condition, ...)                       \
    do {                                                             \
        if (TVN_UNLIKELY(!(condition))) {                            \
            tvn_sim_violation((flow_)->world, (flow_), __VA_ARGS__); \
        }                                                            \
    } while (0)

static inline void tvn_sim_trace(struct tvn_sim_world *world, uint64_t what)
{
    world->trace = tvn_sim_rotate(world->trace ^ what, 29) * UINT64_C(0x9e3779b97f4a7c15);
}

/* False in the calm end. */
static inline bool tvn_sim_trouble(struct tvn_sim_world *world, struct tvn_sim_random *random,
                                   enum tvn_sim_fault fault)
{
    bool hit = tvn_sim_chance(random, world->rates[fault]);
    return hit && !world->calm;
}

/* simulate_world.c. Runs all of it; returns when there was no violation. */
void tvn_sim_run(const struct tvn_sim_config *config, bool verbose, struct tvn_sim_result *result);
/* One line with --verbose. */
void tvn_sim_say(const struct tvn_sim_flow *flow, const char *format, ...) TVN_PRINTF(2, 3);

/* simulate_generate.c. Rates and sizes of a world; a flow, created and started. */
void tvn_sim_generate_world(struct tvn_sim_world *world);
struct tvn_sim_flow *tvn_sim_generate_flow(struct tvn_sim_world *world, uint32_t index,
                                           uint32_t life);
/* Ends it in any state; everything it held must be back then. */
void tvn_sim_flow_destroy(struct tvn_sim_flow *flow);

/* simulate_stage.c */
void tvn_sim_stage_init(struct tvn_sim_stage *stage, enum tvn_role role);
/* What a dead or destroyed instance held. */
void tvn_sim_stage_reclaim(struct tvn_sim_stage *stage);
bool tvn_sim_poll_ready(const struct tvn_sim_flow *flow);
/* The time at which a descriptor of the idle flow becomes ready; UINT64_MAX: none. */
uint64_t tvn_sim_poll_next_ns(const struct tvn_sim_flow *flow);

/* simulate_graph.c */
struct tvn_sim_record *tvn_sim_record_at(const struct tvn_sim_edge *edge, uint32_t index);
uint64_t tvn_sim_tag(const struct tvn_sim_flow *flow, uint64_t sequence);
static inline bool tvn_sim_has(const struct tvn_sim_stage *stage, enum tvn_entry entry)
{
    return (stage->entries >> entry & 1) != 0;
}
static inline bool tvn_sim_blocks(const struct tvn_sim_edge *edge)
{
    return edge->policy == TVN_OVERFLOW_BLOCK || edge->policy == TVN_OVERFLOW_RATE_LIMIT;
}
void tvn_sim_model_buffer_made(struct tvn_sim_flow *flow, const struct tvn_buffer *buffer);
void tvn_sim_model_release(struct tvn_sim_flow *flow, uint64_t payload);
void tvn_sim_model_pop(struct tvn_sim_edge *edge);
/* After a vector of its consumer: what waits beside the queue goes in. */
void tvn_sim_model_settle(struct tvn_sim_edge *edge);
/* To all outputs of these ports. */
void tvn_sim_model_put(struct tvn_sim_stage *stage, const struct tvn_sim_record *record,
                       uint64_t ports);
void tvn_sim_model_fail(struct tvn_sim_flow *flow, enum tvn_status code,
                        struct tvn_sim_stage *stage, const uint64_t *sequence);
/* The failed stages end, and those that only feed them; what waits before them is discarded. */
void tvn_sim_model_cut(struct tvn_sim_flow *flow);
void tvn_sim_model_discard(struct tvn_sim_flow *flow, struct tvn_sim_edge *edge, bool count);
/* Which stages have nothing to do any more, or end as soon as it is their turn. */
void tvn_sim_model_ends(const struct tvn_sim_flow *flow, bool out_over[TVN_SIM_STAGES_MAX]);
/* When the next token of the edge is there; 0 when one is. */
uint64_t tvn_sim_model_token_ns(const struct tvn_sim_edge *edge, uint64_t now_ns);
/* Every output that blocks has room. */
bool tvn_sim_model_credit(const struct tvn_sim_stage *stage);
/* A source with these outputs is to pause. */
bool tvn_sim_model_pauses(const struct tvn_sim_stage *stage);
bool tvn_sim_model_waits(const struct tvn_sim_stage *stage);
/* It has something to do that needs neither time nor descriptor. */
bool tvn_sim_model_ready(const struct tvn_sim_stage *stage, const bool over[TVN_SIM_STAGES_MAX]);

/* simulate_expect.c */
/* The input whose first element `in` is. */
struct tvn_sim_edge *tvn_sim_model_input(struct tvn_sim_stage *stage, const struct tvn_element *in);
/* TEARDOWN is waited for no longer. */
bool tvn_sim_model_close_over(const struct tvn_sim_flow *flow);
/* A sink says at its end that it could not pass on `count` of what it took. */
void tvn_sim_model_undelivered(struct tvn_sim_stage *stage, uint64_t count);
void tvn_sim_model_before_idle(struct tvn_sim_stage *stage);
void tvn_sim_model_before(struct tvn_sim_stage *stage, enum tvn_entry entry,
                          const struct tvn_call *call);
void tvn_sim_model_after(struct tvn_sim_stage *stage, enum tvn_entry entry,
                         const struct tvn_call *call, enum tvn_outcome outcome);
void tvn_sim_model_idle(struct tvn_sim_stage *stage, enum tvn_outcome outcome,
                        const struct tvn_fault *fault);
/* Before and after the invoker's restart. */
void tvn_sim_model_restart(struct tvn_sim_stage *stage);
void tvn_sim_model_restarted(struct tvn_sim_stage *stage, enum tvn_outcome outcome,
                             const struct tvn_fault *fault);
bool tvn_sim_model_letter(struct tvn_sim_flow *flow, uint32_t stage,
                          const struct tvn_element *element);
void tvn_sim_model_begin_turn(struct tvn_sim_flow *flow);
void tvn_sim_model_end_turn(struct tvn_sim_flow *flow);
/* Checks it; one that the reactor gave is learned. */
void tvn_sim_model_timestamp(struct tvn_sim_flow *flow, struct tvn_sim_edge *edge,
                             struct tvn_sim_record *record, uint64_t timestamp_ns);

/* simulate_watch.c. NULL: this flow has none. */
struct tvn_event_sink *tvn_sim_watch_init(struct tvn_sim_flow *flow);
void tvn_sim_watch_check(struct tvn_sim_flow *flow);

/* simulate_check.c */
void tvn_sim_check_started(struct tvn_sim_flow *flow, enum tvn_status status);
void tvn_sim_check_turn(struct tvn_sim_flow *flow, enum tvn_flow_turn turn);

/* simulate_shrink.c */
void tvn_sim_shrink(const struct tvn_sim_config *config, const struct tvn_sim_result *found,
                    struct tvn_sim_config *out_smallest, struct tvn_sim_result *out_result);
/* simulate.c. The same in a process of its own; true when there was a violation. */
bool tvn_sim_run_apart(const struct tvn_sim_config *config, struct tvn_sim_result *out_result);
