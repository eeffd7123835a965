/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

struct status_row {
    enum tvn_status status;
    char code[6]; /* "E0301" */
    const char *name;
    const char *what;
    const char *fix;
};

#define DIGIT(number, power) ((char)('0' + ((number) / (power)) % 10))

static const struct status_row status_rows[] = {
#define TVN_ERR(number, symbol, title, what_text, fix_text)                                       \
    {.status = TVN_E_##symbol,                                                                    \
     .code = {'E', DIGIT(number, 1000), DIGIT(number, 100), DIGIT(number, 10), DIGIT(number, 1)}, \
     .name = (title),                                                                             \
     .what = (what_text),                                                                         \
     .fix = (fix_text)},
#include "base/errors.def"
#undef TVN_ERR
};

static const struct status_row *row_of(enum tvn_status status)
{
    if (status <= TVN_OK) {
        return NULL;
    }
    for (size_t i = 0; i < TVN_ARRAY_LEN(status_rows); i++) {
        if (status_rows[i].status == status) {
            return &status_rows[i];
        }
    }
    return NULL;
}

const char *tvn_status_code(enum tvn_status status)
{
    /* Compared as numbers: a switch over the enum would have to repeat errors.def. */
    switch ((int)status) {
    case TVN_OK:
        return "OK";
    case TVN_FULL:
        return "FULL";
    case TVN_EMPTY:
        return "EMPTY";
    case TVN_AGAIN:
        return "AGAIN";
    case TVN_NOT_FOUND:
        return "NOT_FOUND";
    case TVN_END:
        return "END";
    case TVN_EXISTS:
        return "EXISTS";
    default:
        break;
    }
    const struct status_row *row = row_of(status);
    return row ? row->code : "UNKNOWN";
}

const char *tvn_status_name(enum tvn_status status)
{
    const struct status_row *row = row_of(status);
    return row ? row->name : "";
}

const char *tvn_status_what(enum tvn_status status)
{
    const struct status_row *row = row_of(status);
    return row ? row->what : "";
}

const char *tvn_status_fix(enum tvn_status status)
{
    const struct status_row *row = row_of(status);
    return row ? row->fix : "";
}

bool tvn_status_at(size_t index, enum tvn_status *out_status)
{
    if (index >= TVN_ARRAY_LEN(status_rows)) {
        return false;
    }
    *out_status = status_rows[index].status;
    return true;
}
