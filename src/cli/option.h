/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Option tables. One row drives parsing, --help, completions and the man page. A table ends with a
 * row whose name is NULL; values land in a struct of the table's owner, at the row's offset.
 *
 *     static const struct tvn_opt run_opts[] = {
 *         {.name = "limit", .kind = TVN_OPT_COUNT, .offset = offsetof(struct run_args, limit),
 *          .value_name = "N", .help = "Process at most N elements, then end"},
 *         {0},
 *     };
 *
 * Limits: TVN_OPT_TABLE_MAX rows a table.
 */
#include "base/compiler.h"
#include "base/status.h"
#include "base/str.h"

#define TVN_OPT_TABLE_MAX 64

struct tvn_arena;

enum tvn_opt_kind {
    TVN_OPT_FLAG,     /* bool */
    TVN_OPT_TEXT,     /* const char * */
    TVN_OPT_PATH,     /* const char *; completed with file names */
    TVN_OPT_LIST,     /* struct tvn_opt_list; may be given again */
    TVN_OPT_COUNT,    /* uint64_t, at least 1 */
    TVN_OPT_DURATION, /* uint64_t nanoseconds, more than 0 */
    TVN_OPT_CHOICE,   /* unsigned: index into choices; 0 when not given */
    TVN_OPT_WORD,     /* const char *: one of choices; NULL when not given */
};

struct tvn_opt_list {
    const char **items;
    size_t count;
};

struct tvn_opt {
    const char *name; /* without dashes; of an operand "TARGET" */
    char letter;      /* 0: none */
    enum tvn_opt_kind kind;
    size_t offset;
    const char *value_name; /* "PATH"; NULL for a flag */
    const char *help;       /* one sentence without full stop */
    const char *const
        *choices;  /* of CHOICE and WORD, ends with NULL; of TEXT: values that are offered */
    bool required; /* operands only */
};

/* NULL when the table has none of that name (letter). `table` may be NULL. */
const struct tvn_opt *tvn_opt_find(const struct tvn_opt *table, struct tvn_str name);
const struct tvn_opt *tvn_opt_find_letter(const struct tvn_opt *table, char letter);
size_t tvn_opt_count(const struct tvn_opt *table);

/*
 * COLD PATH. Parses `text` and stores it in `values`; flags ignore it. TVN_E_CONSTRAINT_VIOLATION
 * with a sentence in *why when it is no value of that kind, TVN_E_OUT_OF_MEMORY. `text` and `arena`
 * outlive the values.
 */
TVN_NODISCARD enum tvn_status tvn_opt_store(const struct tvn_opt *opt, const char *text,
                                            struct tvn_arena *arena, void *values,
                                            struct tvn_strbuf *why);
