/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/suggest.h"

#define SUGGESTIONS_MAX ((size_t)2 * TVN_OPT_TABLE_MAX)

static const char *const format_names[] = {"human", "json", NULL};
static const char *const color_names[] = {"auto", "always", "never", NULL};

const struct tvn_opt tvn_global_opts[] = {
    {.name = "format",
     .kind = TVN_OPT_CHOICE,
     .offset = offsetof(struct tvn_globals, format),
     .value_name = "FORMAT",
     .help = "Output for people or for programs [default: human]",
     .choices = format_names},
    {.name = "color",
     .kind = TVN_OPT_CHOICE,
     .offset = offsetof(struct tvn_globals, color),
     .value_name = "WHEN",
     .help = "Coloured diagnostics [default: auto]",
     .choices = color_names},
    {.name = "quiet",
     .letter = 'q',
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct tvn_globals, quiet),
     .help = "Say nothing but errors"},
    {.name = "verbose",
     .letter = 'v',
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct tvn_globals, verbose),
     .help = "Say what is being done"},
    {.name = "help",
     .letter = 'h',
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct tvn_globals, help),
     .help = "Print help"},
    {.name = "version",
     .letter = 'V',
     .kind = TVN_OPT_FLAG,
     .offset = offsetof(struct tvn_globals, version),
     .help = "Print the version"},
    {0},
};

struct parser {
    int argc;
    const char *const *argv;
    int at; /* the next argument */
    struct tvn_arena *arena;
    struct tvn_arguments *arguments;
    size_t operand_count;
    uint64_t seen_globals; /* bit per row of the table */
    uint64_t seen_opts;
};

void tvn_arguments_deinit(struct tvn_arguments *arguments)
{
    tvn_strbuf_deinit(&arguments->message);
    tvn_strbuf_deinit(&arguments->help);
}

static const char *prefix(const struct parser *p)
{
    return p->arguments->command ? "torvyn help " : "torvyn help";
}

static const char *command_name(const struct parser *p)
{
    return p->arguments->command ? p->arguments->command->name : "";
}

static void help_lists_options(struct parser *p)
{
    tvn_strbuf_printf(&p->arguments->help, "'%s%s' lists all options", prefix(p), command_name(p));
}

/* ---- options ---- */

/* The row for a name, and which table it stands in. */
struct found {
    const struct tvn_opt *opt;
    void *values;
    uint64_t *seen;
    uint64_t bit;
};

static struct found find(struct parser *p, struct tvn_str name, char letter)
{
    struct tvn_arguments *arguments = p->arguments;
    const struct tvn_opt *table = arguments->command ? arguments->command->opts : NULL;
    const struct tvn_opt *opt =
        letter ? tvn_opt_find_letter(table, letter) : tvn_opt_find(table, name);
    if (opt) {
        return (struct found){opt, arguments->values, &p->seen_opts, UINT64_C(1) << (opt - table)};
    }
    opt =
        letter ? tvn_opt_find_letter(tvn_global_opts, letter) : tvn_opt_find(tvn_global_opts, name);
    uint64_t bit = opt ? UINT64_C(1) << (opt - tvn_global_opts) : 0;
    return (struct found){opt, &arguments->globals, &p->seen_globals, bit};
}

/* The first command that has the option; NULL for none. */
static const struct tvn_command *command_with(struct tvn_str option)
{
    for (size_t i = 0; tvn_commands[i]; i++) {
        if (tvn_opt_find(tvn_commands[i]->opts, option)) {
            return tvn_commands[i];
        }
    }
    return NULL;
}

static enum tvn_status unknown_option(struct parser *p, struct tvn_str given)
{
    struct tvn_arguments *arguments = p->arguments;
    tvn_strbuf_add_text(&arguments->message, "unknown option '");
    tvn_strbuf_add_escaped(&arguments->message, given);
    tvn_strbuf_add_char(&arguments->message, '\'');
    const char *names[SUGGESTIONS_MAX];
    size_t count = 0;
    const struct tvn_opt *tables[] = {arguments->command ? arguments->command->opts : NULL,
                                      tvn_global_opts};
    for (size_t t = 0; t < TVN_ARRAY_LEN(tables); t++) {
        for (const struct tvn_opt *opt = tables[t]; opt && opt->name; opt++) {
            names[count++] = opt->name;
        }
    }
    bool is_long = tvn_str_starts_with(given, TVN_STR("--"));
    struct tvn_str name = is_long ? tvn_str_slice(given, 2, given.len) : (struct tvn_str){0};
    const struct tvn_command *owner = arguments->command ? NULL : command_with(name);
    const char *near = is_long ? tvn_suggest(name, names, count) : NULL;
    if (owner) {
        tvn_strbuf_printf(&arguments->help, "write it behind its command: torvyn %s %.*s",
                          owner->name, TVN_STR_ARG(given));
    } else if (near) {
        tvn_strbuf_printf(&arguments->help, "did you mean '--%s'?", near);
    } else {
        help_lists_options(p);
    }
    return TVN_E_CONSTRAINT_VIOLATION;
}

static enum tvn_status missing_value(struct parser *p, const struct tvn_opt *opt)
{
    tvn_strbuf_printf(&p->arguments->message, "option '--%s' needs a value", opt->name);
    tvn_strbuf_printf(&p->arguments->help, "write --%s <%s>", opt->name, opt->value_name);
    return TVN_E_CONSTRAINT_VIOLATION;
}

static enum tvn_status store(struct parser *p, const struct found *found, const char *text)
{
    const struct tvn_opt *opt = found->opt;
    bool again = (*found->seen & found->bit) != 0;
    if (again && opt->kind != TVN_OPT_FLAG && opt->kind != TVN_OPT_LIST) {
        tvn_strbuf_printf(&p->arguments->message, "option '--%s' is given twice", opt->name);
        tvn_strbuf_add_text(&p->arguments->help, "give it once");
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    *found->seen |= found->bit;
    enum tvn_status status = tvn_opt_store(opt, text, p->arena, found->values, &p->arguments->help);
    if (status == TVN_E_CONSTRAINT_VIOLATION) {
        tvn_strbuf_add_text(&p->arguments->message, "'");
        tvn_strbuf_add_escaped(&p->arguments->message, tvn_str_of(text));
        tvn_strbuf_printf(&p->arguments->message, "' is no value of option '--%s'", opt->name);
    }
    return status;
}

/* The value that follows as an argument of its own; NULL when there is none. */
static const char *next_value(struct parser *p)
{
    if (p->at >= p->argc || strncmp(p->argv[p->at], "--", 2) == 0) {
        return NULL;
    }
    return p->argv[p->at++];
}

static enum tvn_status parse_long(struct parser *p, const char *argument)
{
    struct tvn_str given = tvn_str_of(argument);
    size_t equals = tvn_str_find(given, '=');
    struct tvn_str option = equals == SIZE_MAX ? given : tvn_str_slice(given, 0, equals);
    struct found found = find(p, tvn_str_slice(option, 2, option.len), 0);
    if (!found.opt) {
        return unknown_option(p, option);
    }
    const char *value = equals == SIZE_MAX ? NULL : argument + equals + 1;
    if (found.opt->kind == TVN_OPT_FLAG) {
        if (value) {
            tvn_strbuf_printf(&p->arguments->message, "option '--%s' takes no value",
                              found.opt->name);
            tvn_strbuf_printf(&p->arguments->help, "write --%s alone", found.opt->name);
            return TVN_E_CONSTRAINT_VIOLATION;
        }
        return store(p, &found, NULL);
    }
    value = value ? value : next_value(p);
    return value ? store(p, &found, value) : missing_value(p, found.opt);
}

/* "-q", "-qv", "-x value", "-xvalue". */
static enum tvn_status parse_short(struct parser *p, const char *argument)
{
    for (const char *c = argument + 1; *c; c++) {
        struct found found = find(p, (struct tvn_str){0}, *c);
        if (!found.opt) {
            const char option[] = {'-', *c, '\0'};
            return unknown_option(p, tvn_str_of(option));
        }
        if (found.opt->kind != TVN_OPT_FLAG) {
            const char *value = c[1] ? c + 1 : next_value(p);
            return value ? store(p, &found, value) : missing_value(p, found.opt);
        }
        TVN_TRY(store(p, &found, NULL));
    }
    return TVN_OK;
}

/* ---- the command and its operands ---- */

static enum tvn_status unknown_command(struct parser *p, struct tvn_str given)
{
    struct tvn_arguments *arguments = p->arguments;
    if (tvn_command_is_planned(given)) {
        tvn_strbuf_printf(&arguments->message, "torvyn " TVN_VERSION " has no command '%.*s' yet",
                          TVN_STR_ARG(given));
        tvn_strbuf_add_text(&arguments->help, "'torvyn help' lists the commands that it has");
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    tvn_strbuf_add_text(&arguments->message, "unknown command '");
    tvn_strbuf_add_escaped(&arguments->message, given);
    tvn_strbuf_add_char(&arguments->message, '\'');
    const char *names[SUGGESTIONS_MAX];
    size_t count = 0;
    for (size_t i = 0; tvn_commands[i]; i++) {
        if (!tvn_commands[i]->hidden) {
            names[count++] = tvn_commands[i]->name;
        }
    }
    const char *near = tvn_suggest(given, names, count);
    if (near) {
        tvn_strbuf_printf(&arguments->help, "did you mean '%s'?", near);
    } else {
        tvn_strbuf_add_text(&arguments->help, "'torvyn help' lists all commands");
    }
    return TVN_E_CONSTRAINT_VIOLATION;
}

static enum tvn_status take_command(struct parser *p, const char *name)
{
    const struct tvn_command *command = tvn_command_find(tvn_str_of(name));
    if (!command) {
        return unknown_command(p, tvn_str_of(name));
    }
    tvn_assert(tvn_opt_count(command->opts) <= TVN_OPT_TABLE_MAX);
    p->arguments->values = tvn_arena_alloc(p->arena, command->args_size ? command->args_size : 1);
    if (!p->arguments->values) {
        return TVN_E_OUT_OF_MEMORY;
    }
    p->arguments->command = command;
    return TVN_OK;
}

static enum tvn_status take_operand(struct parser *p, const char *text)
{
    struct tvn_arguments *arguments = p->arguments;
    const struct tvn_opt *operands = arguments->command->operands;
    if (p->operand_count >= tvn_opt_count(operands)) {
        tvn_strbuf_add_text(&arguments->message, "unexpected argument '");
        tvn_strbuf_add_escaped(&arguments->message, tvn_str_of(text));
        tvn_strbuf_add_char(&arguments->message, '\'');
        tvn_strbuf_printf(&arguments->help, "'torvyn help %s' shows the usage",
                          arguments->command->name);
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    const struct tvn_opt *operand = &operands[p->operand_count++];
    enum tvn_status status =
        tvn_opt_store(operand, text, p->arena, arguments->values, &arguments->help);
    if (status == TVN_E_CONSTRAINT_VIOLATION) {
        tvn_strbuf_add_text(&arguments->message, "'");
        tvn_strbuf_add_escaped(&arguments->message, tvn_str_of(text));
        tvn_strbuf_printf(&arguments->message, "' is no value of <%s>", operand->name);
    }
    return status;
}

static enum tvn_status parse_all(struct parser *p)
{
    bool options = true;
    while (p->at < p->argc) {
        const char *argument = p->argv[p->at++];
        if (options && strcmp(argument, "--") == 0) {
            options = false;
        } else if (options && strncmp(argument, "--", 2) == 0) {
            TVN_TRY(parse_long(p, argument));
        } else if (options && argument[0] == '-' && argument[1] != '\0') {
            TVN_TRY(parse_short(p, argument));
        } else if (!p->arguments->command) {
            TVN_TRY(take_command(p, argument));
        } else {
            TVN_TRY(take_operand(p, argument));
        }
    }
    return TVN_OK;
}

static enum tvn_status check_complete(struct parser *p)
{
    struct tvn_arguments *arguments = p->arguments;
    if (arguments->globals.quiet && arguments->globals.verbose) {
        tvn_strbuf_add_text(&arguments->message, "'--quiet' and '--verbose' exclude each other");
        tvn_strbuf_add_text(&arguments->help, "leave one of them out");
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    const struct tvn_command *command = arguments->command;
    if (!command || arguments->globals.help ||
        p->operand_count >= tvn_opt_count(command->operands)) {
        return TVN_OK;
    }
    const struct tvn_opt *next = &command->operands[p->operand_count];
    if (next->required) {
        tvn_strbuf_printf(&arguments->message, "'torvyn %s' needs <%s>", command->name, next->name);
        tvn_strbuf_printf(&arguments->help, "'torvyn help %s' shows the usage", command->name);
        return TVN_E_CONSTRAINT_VIOLATION;
    }
    return TVN_OK;
}

/* How an error that stands before the option is to be reported. */
static bool wants_json(int argc, const char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        bool next = strcmp(argv[i], "--format") == 0 && i + 1 < argc;
        if (strcmp(argv[i], "--format=json") == 0 || (next && strcmp(argv[i + 1], "json") == 0)) {
            return true;
        }
    }
    return false;
}

enum tvn_status tvn_arguments_parse(int argc, const char *const *argv, struct tvn_arena *arena,
                                    struct tvn_arguments *out_arguments)
{
    tvn_assert(argv && arena && out_arguments);
    *out_arguments = (struct tvn_arguments){0};
    struct parser p = {
        .argc = argc, .argv = argv, .at = 1, .arena = arena, .arguments = out_arguments};
    enum tvn_status status = parse_all(&p);
    status = status == TVN_OK ? check_complete(&p) : status;
    if (status != TVN_OK) {
        out_arguments->globals.format = wants_json(argc, argv) ? TVN_FORMAT_JSON : TVN_FORMAT_HUMAN;
    }
    return status;
}
