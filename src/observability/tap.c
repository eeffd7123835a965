/* SPDX-License-Identifier: Apache-2.0 */
#include "observability/tap.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/num.h"

#include <sched.h>
#include <string.h>

static_assert((TVN_TAP_SLOTS & (TVN_TAP_SLOTS - 1)) == 0, "slots are chosen by masking");

/* One place of the ring; `bytes` follow. */
struct slot {
    uint64_t sequence;
    uint64_t timestamp_ns;
    uint32_t length;
    uint32_t copied;
    uint32_t type_length;
    char type[TVN_TAP_TYPE_MAX];
    uint8_t bytes[];
};

struct tvn_tap {
    struct tvn_tap_options options;
    const struct tvn_intern *intern;
    size_t slot_bytes;
    uint8_t *slots;
    struct tvn_tap_counts counts; /* the flow's thread writes */
    uint32_t until_sample;        /* the flow's thread's */
    bool has_taken;               /* the reader's: the slot at `head` was handed out */
    /* SAFETY: one writer each. The flow's thread fills the slot at `tail` and then stores tail + 1
     * with release, so that the reader, which acquires it, sees the whole slot; the reader stores
     * head + 1 with release when it has done with a slot, before the flow's thread fills it again.
     */
    _Atomic uint64_t tail;
    _Atomic uint64_t head;
};

static struct slot *slot_at(const struct tvn_tap *tap, uint64_t index)
{
    uint8_t *at = tap->slots + (index & (TVN_TAP_SLOTS - 1)) * tap->slot_bytes;
    /* SAFETY: the block is aligned for any type, slot_bytes a multiple of the slot's alignment. */
    return __builtin_assume_aligned(at, _Alignof(struct slot));
}

/* ---- life ---- */

enum tvn_status tvn_tap_create(const struct tvn_tap_options *options, struct tvn_tap **out_tap)
{
    tvn_assert(options && out_tap);
    if (options->sample_every == 0 || options->sample_every > TVN_TAP_SAMPLE_MAX ||
        options->bytes > TVN_TAP_BYTES_MAX) {
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    TVN_AUTO(tvn_tap) tap = tvn_calloc(1, sizeof(*tap));
    if (!tap) {
        return TVN_E_OUT_OF_MEMORY;
    }
    tap->options = *options;
    tap->slot_bytes =
        tvn_align_up_size(sizeof(struct slot) + options->bytes, _Alignof(struct slot));
    tap->slots = tvn_calloc(TVN_TAP_SLOTS, tap->slot_bytes);
    if (!tap->slots) {
        return TVN_E_OUT_OF_MEMORY;
    }
    tap->until_sample = 1;
    *out_tap = TVN_TAKE(tap);
    return TVN_OK;
}

void tvn_tap_destroy(struct tvn_tap *tap)
{
    if (tap) {
        tvn_free(tap->slots);
        tvn_free(tap);
    }
}

/* ---- the flow's side ---- */

static void fill(const struct tvn_tap *tap, struct slot *slot, const struct tvn_element *element,
                 const uint8_t *bytes, uint32_t length)
{
    slot->sequence = element->sequence;
    slot->timestamp_ns = element->timestamp_ns;
    slot->length = length;
    slot->copied = tvn_min(length, tap->options.bytes);
    if (slot->copied > 0) {
        memcpy(slot->bytes, bytes, slot->copied);
    }
    struct tvn_str type = tvn_intern_name(tap->intern, element->content_type);
    slot->type_length = (uint32_t)type.len;
    memcpy(slot->type, type.ptr, type.len);
}

static void take(struct tvn_tap *tap, const struct tvn_tapped *tapped, uint32_t index)
{
    uint64_t tail = atomic_load_explicit(&tap->tail, memory_order_relaxed);
    if (tail - atomic_load_explicit(&tap->head, memory_order_acquire) == TVN_TAP_SLOTS) {
        tvn_stat_add(&tap->counts.lost, 1);
        return;
    }
    const uint8_t *bytes = NULL;
    uint32_t length = 0;
    const struct tvn_element *element = tapped->at(tapped, index, &bytes, &length);
    struct slot *slot = slot_at(tap, tail);
    fill(tap, slot, element, bytes, length);
    tvn_stat_add(&tap->counts.copied_bytes, slot->copied);
    tvn_stat_add(&tap->counts.taken, 1);
    atomic_store_explicit(&tap->tail, tail + 1, memory_order_release);
}

static void offer(struct tvn_tap *tap, const struct tvn_tapped *tapped)
{
    uint32_t index = 0;
    while (index < tapped->count && !tvn_tap_is_over(tap)) {
        uint32_t left = tapped->count - index;
        if (tap->until_sample > left) {
            tap->until_sample -= left;
            tvn_stat_add(&tap->counts.seen, left);
            return;
        }
        index += tap->until_sample - 1;
        tvn_stat_add(&tap->counts.seen, tap->until_sample);
        tap->until_sample = tap->options.sample_every;
        take(tap, tapped, index);
        index++;
    }
}

void tvn_tap_offer(struct tvn_tap_board *board, const struct tvn_tapped *tapped)
{
    /* SAFETY: sequentially consistent with tvn_tap_detach, which clears the place and then looks at
     * in_use: either it sees the flag, or the place is seen empty here. */
    atomic_store(&board->in_use, 1);
    for (uint32_t i = 0; i < TVN_TAPS_MAX; i++) {
        struct tvn_tap *tap = atomic_load(&board->taps[i]);
        if (tap && tap->options.edge == tapped->edge) {
            offer(tap, tapped);
        }
    }
    atomic_store_explicit(&board->in_use, 0, memory_order_release);
}

/* ---- the reader's side ---- */

enum tvn_status tvn_tap_attach(struct tvn_tap_board *board, const struct tvn_intern *intern,
                               struct tvn_tap *tap)
{
    tvn_assert(board && intern && tap);
    tap->intern = intern;
    for (uint32_t i = 0; i < TVN_TAPS_MAX; i++) {
        if (!atomic_load(&board->taps[i])) {
            atomic_store(&board->taps[i], tap);
            return TVN_OK;
        }
    }
    return TVN_FULL;
}

bool tvn_tap_detach(struct tvn_tap_board *board, struct tvn_tap *tap)
{
    bool left = false;
    for (uint32_t i = 0; i < TVN_TAPS_MAX; i++) {
        if (atomic_load(&board->taps[i]) == tap) {
            atomic_store(&board->taps[i], NULL);
        }
        left |= atomic_load(&board->taps[i]) != NULL;
    }
    while (atomic_load(&board->in_use) != 0) {
        (void)sched_yield();
    }
    return left;
}

bool tvn_tap_next(struct tvn_tap *tap, struct tvn_tap_element *out_element)
{
    uint64_t head = atomic_load_explicit(&tap->head, memory_order_relaxed);
    if (tap->has_taken) {
        head++;
        tap->has_taken = false;
        atomic_store_explicit(&tap->head, head, memory_order_release);
    }
    if (head == atomic_load_explicit(&tap->tail, memory_order_acquire)) {
        return false;
    }
    const struct slot *slot = slot_at(tap, head);
    tap->has_taken = true;
    *out_element = (struct tvn_tap_element){
        .sequence = slot->sequence,
        .timestamp_ns = slot->timestamp_ns,
        .length = slot->length,
        .content_type = {slot->type, slot->type_length},
        .bytes = slot->bytes,
        .copied = slot->copied,
    };
    return true;
}

const struct tvn_tap_counts *tvn_tap_counts(const struct tvn_tap *tap)
{
    return &tap->counts;
}

bool tvn_tap_is_over(const struct tvn_tap *tap)
{
    return tap->options.limit > 0 && tvn_stat_get(&tap->counts.taken) >= tap->options.limit;
}
