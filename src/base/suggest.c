/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include "base/assert.h"
#include "base/num.h"

#define NAME_BYTES_MAX 64

/* Edit distance where swapping two neighbours is one edit (optimal string alignment). */
static size_t distance(struct tvn_str a, struct tvn_str b)
{
    size_t rows[3][NAME_BYTES_MAX + 1];
    size_t *before = rows[0]; /* row i - 2 */
    size_t *last = rows[1];   /* row i - 1 */
    size_t *row = rows[2];
    for (size_t j = 0; j <= b.len; j++) {
        before[j] = 0;
        last[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            bool same = a.ptr[i - 1] == b.ptr[j - 1];
            size_t best = tvn_min(last[j], row[j - 1]) + 1;
            best = tvn_min(best, last[j - 1] + (same ? 0 : 1));
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1]) {
                best = tvn_min(best, before[j - 2] + 1);
            }
            row[j] = best;
        }
        size_t *recycled = before;
        before = last;
        last = row;
        row = recycled;
    }
    return last[b.len];
}

const char *tvn_suggest(struct tvn_str word, const char *const *names, size_t count)
{
    tvn_assert(names || count == 0);
    if (word.len > NAME_BYTES_MAX) {
        return NULL;
    }
    const char *best = NULL;
    size_t best_edits = tvn_max(word.len / 3, (size_t)1) + 1;
    for (size_t i = 0; i < count; i++) {
        struct tvn_str name = tvn_str_of(names[i]);
        if (name.len > NAME_BYTES_MAX) {
            continue;
        }
        size_t edits = distance(word, name);
        /* Something must be left of the word: "a" is not near "b". */
        if (edits < best_edits && (edits == 0 || edits < tvn_max(word.len, name.len))) {
            best = names[i];
            best_edits = edits;
        }
    }
    return best;
}
