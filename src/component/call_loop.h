/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Many calls of one export in a row, out of a core module that is generated for it.
 *
 * Entering a guest costs three times what leaving it does (13 ns against 4, where `bench/call`
 * takes 60 ns for a call), and a call with its realloc and its post-return is three entries. The
 * loop is entered once; its module imports the export's core functions and three functions of the
 * host:
 *
 *     while ((length = next()) >= 0) {
 *         result = export(arguments(realloc(0, 0, 1, length)));    -- no parameters: export()
 *         returned(result);
 *         post_return(result);
 *     }
 *
 * The host knows from the order which part runs, so it keeps the Canonical ABI's rules as with
 * single calls: next begins a call (tvn_export_begin, then tvn_export_again) and, with parameters,
 * forbids leaving until `arguments`; `returned` checks borrows, lifts, and forbids leaving until
 * the next `next`, which ends the call.
 *
 * Threads: as instance.h. Memory: the instance's; a loop lives as long as it. A trap anywhere ends
 * the run, the instance is dead then.
 */
#include "component/instance.h"

/* Raw functions (host.h); their env is the loop's. */
struct tvn_call_loop_host {
    /* slots[0].i32, out: bytes of guest memory that the arguments take; negative: no more calls. */
    tvn_raw_func next;
    /* slots[0].u32, in: what realloc returned, not checked yet. Out: the arguments. NULL for an
     * export without parameters. */
    tvn_raw_func arguments;
    /* slots[0], in: the export's flat result. */
    tvn_raw_func returned;
};

struct tvn_call_loop;

/*
 * COLD PATH: the first of a shape in this engine loads the module from the code store (code.h), or
 * compiles it, which takes a millisecond. TVN_NOT_FOUND when there can be no loop now (another
 * thread makes the module) or ever (the store counts fuel, the parameters do not fit into flat
 * slots, the instance has no room for a core instance): the caller goes on with single calls. The
 * instance stays as it is then, but that a try in vain for room costs it a little memory until its
 * end: who asks again should do so ever more seldom.
 */
TVN_NODISCARD enum tvn_status tvn_call_loop_create(const struct tvn_export *export,
                                                   const struct tvn_call_loop_host *host, void *env,
                                                   struct tvn_call_loop **out_loop);

/* HOT PATH. Runs it until `next` says that there are no more calls. On failure the instance is dead
 * and the status is the fault's code. */
TVN_NODISCARD enum tvn_status tvn_call_loop_run(const struct tvn_call_loop *loop);

/* ---- for the host's functions: what begin and end do for single calls ---- */

/* COLD PATH. What they return to end the run; the instance is dead (asserted). */
TVN_COLD void *tvn_call_loop_abort(const struct tvn_export *export);

// HOT PATH. While `may_leave` is false every call out of the guest traps.
static inline void tvn_export_allow_leaving(const struct tvn_export *export, bool may_leave)
{
    export->guest->may_leave = may_leave;
}
/* HOT PATH. The check before post-return: every borrow dropped (else E0411, the instance is dead).
 */
TVN_NODISCARD enum tvn_status tvn_export_returned(const struct tvn_export *export);
/* HOT PATH. Instead of leave and begin between two calls of a row: arms the deadline anew. What
 * happens in between may not enter the instance. */
TVN_NODISCARD enum tvn_status tvn_export_again(const struct tvn_export *export);
/* HOT PATH. After the last post-return of a row, or after a failure. */
void tvn_export_leave(const struct tvn_export *export);
