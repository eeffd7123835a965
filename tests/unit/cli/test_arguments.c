/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/num.h"
#include "cli/arguments.h"

#include "tvn_test.h"

#define WORDS_MAX 16

struct parsed {
    struct tvn_arena *arena;
    struct tvn_arguments arguments;
};

static int make_parsed(void **state)
{
    struct parsed *parsed = tvn_calloc(1, sizeof(*parsed));
    *state = parsed;
    parsed->arena = tvn_arena_create(0);
    return parsed->arena ? 0 : -1;
}

static int drop_parsed(void **state)
{
    struct parsed *parsed = *state;
    tvn_arguments_deinit(&parsed->arguments);
    tvn_arena_destroy(parsed->arena);
    tvn_free(parsed);
    return 0;
}

/* Parses "torvyn" and the words of `line`, divided by single spaces. */
static enum tvn_status parse(struct parsed *parsed, const char *line)
{
    const char **argv = TVN_ARENA_ARRAY(parsed->arena, const char *, WORDS_MAX);
    assert_non_null(argv);
    argv[0] = "torvyn";
    int argc = 1;
    for (struct tvn_str rest = tvn_str_of(line); rest.len > 0 && argc < WORDS_MAX;) {
        size_t end = tvn_min(tvn_str_find(rest, ' '), rest.len);
        argv[argc] = tvn_arena_strndup(parsed->arena, rest.ptr, end);
        assert_non_null(argv[argc++]);
        rest = tvn_str_slice(rest, tvn_min(end + 1, rest.len), rest.len);
    }
    tvn_arguments_deinit(&parsed->arguments);
    return tvn_arguments_parse(argc, argv, parsed->arena, &parsed->arguments);
}

static void test_arguments_globals_stand_before_and_after_the_command(void **state)
{
    struct parsed *parsed = *state;
    static const char *const lines[] = {
        "--format json --color=never -v run",
        "run --format=json --color never --verbose",
        "-v --format json run --color=never",
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(lines); i++) {
        assert_status(parse(parsed, lines[i]), TVN_OK);
        assert_string_equal(parsed->arguments.command->name, "run");
        assert_int_equal(parsed->arguments.globals.format, TVN_FORMAT_JSON);
        assert_int_equal(parsed->arguments.globals.color, TVN_COLOR_NEVER);
        assert_true(parsed->arguments.globals.verbose);
        assert_false(parsed->arguments.globals.quiet);
    }
}

static void test_arguments_without_command(void **state)
{
    struct parsed *parsed = *state;
    assert_status(parse(parsed, ""), TVN_OK);
    assert_null(parsed->arguments.command);
    assert_status(parse(parsed, "-hV"), TVN_OK);
    assert_true(parsed->arguments.globals.help);
    assert_true(parsed->arguments.globals.version);
}

static void test_arguments_accepts_values_of_every_form(void **state)
{
    struct parsed *parsed = *state;
    static const char *const lines[] = {
        "run --input - --limit 3 --config a=b --config=c=d main",
        "run main --limit=3 --input=- --config a=b --config c=d",
        "run --limit 3 --input - --config a=b --config c=d -- main",
        "run --input= --flow -x main --limit=3", /* an empty value, a value with one dash */
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(lines); i++) {
        assert_status(parse(parsed, lines[i]), TVN_OK);
        assert_non_null(parsed->arguments.values);
    }
}

static void test_arguments_usage_errors(void **state)
{
    struct parsed *parsed = *state;
    static const struct {
        const char *line;
        const char *message;
        const char *help;
    } cases[] = {
        {"rnu", "unknown command 'rnu'", "did you mean 'run'?"},
        {"flow.main", "unknown command 'flow.main'", "'torvyn help' lists all commands"},
        {"mann", "unknown command 'mann'", "did you mean 'man'?"},
        {"publish", "torvyn " TVN_VERSION " has no command 'publish' yet",
         "'torvyn help' lists the commands that it has"},
        {"run --limt 3", "unknown option '--limt'", "did you mean '--limit'?"},
        {"run --limt=3", "unknown option '--limt'", "did you mean '--limit'?"},
        {"run --zzzzzz", "unknown option '--zzzzzz'", "'torvyn help run' lists all options"},
        {"--zzzzzz", "unknown option '--zzzzzz'", "'torvyn help' lists all options"},
        {"--limit 3 run", "unknown option '--limit'",
         "write it behind its command: torvyn run --limit"},
        {"run -qx", "unknown option '-x'", "'torvyn help run' lists all options"},
        {"run --limit", "option '--limit' needs a value", "write --limit <N>"},
        {"run --limit --quiet", "option '--limit' needs a value", "write --limit <N>"},
        {"run --limit x", "'x' is no value of option '--limit'",
         "write a whole number of at least 1"},
        {"run --limit 1 --limit 2", "option '--limit' is given twice", "give it once"},
        {"--format json run --format json", "option '--format' is given twice", "give it once"},
        {"run --quiet=yes", "option '--quiet' takes no value", "write --quiet alone"},
        {"run --format xml", "'xml' is no value of option '--format'",
         "possible values: human, json"},
        {"run a b", "unexpected argument 'b'", "'torvyn help run' shows the usage"},
        {"inspect", "'torvyn inspect' needs <TARGET>", "'torvyn help inspect' shows the usage"},
        {"completions tcsh", "'tcsh' is no value of <SHELL>",
         "possible values: bash, zsh, fish, powershell"},
        {"-q run -v", "'--quiet' and '--verbose' exclude each other", "leave one of them out"},
        {"run \x1b[2J\t x", "unexpected argument 'x'", "'torvyn help run' shows the usage"},
        {"\x1b[2J", "unknown command '\\x1b[2J'", "'torvyn help' lists all commands"},
    };
    for (size_t i = 0; i < TVN_ARRAY_LEN(cases); i++) {
        print_message("%s\n", cases[i].line);
        assert_status(parse(parsed, cases[i].line), TVN_E_CONSTRAINT_VIOLATION);
        assert_str(tvn_strbuf_view(&parsed->arguments.message), cases[i].message);
        assert_str(tvn_strbuf_view(&parsed->arguments.help), cases[i].help);
    }
}

static void test_arguments_help_needs_no_operands(void **state)
{
    struct parsed *parsed = *state;
    assert_status(parse(parsed, "inspect --help"), TVN_OK);
    assert_true(parsed->arguments.globals.help);
}

static void test_arguments_flags_may_be_repeated(void **state)
{
    struct parsed *parsed = *state;
    assert_status(parse(parsed, "-q run -qq --quiet"), TVN_OK);
    assert_true(parsed->arguments.globals.quiet);
}

static void test_arguments_format_is_known_also_after_an_error_before_it(void **state)
{
    struct parsed *parsed = *state;
    static const char *const lines[] = {"run --limt 3 --format json", "rnu --format=json",
                                        "--format json --zzz"};
    for (size_t i = 0; i < TVN_ARRAY_LEN(lines); i++) {
        assert_status(parse(parsed, lines[i]), TVN_E_CONSTRAINT_VIOLATION);
        assert_int_equal(parsed->arguments.globals.format, TVN_FORMAT_JSON);
    }
    assert_status(parse(parsed, "rnu -- --format json"), TVN_E_CONSTRAINT_VIOLATION);
    assert_int_equal(parsed->arguments.globals.format, TVN_FORMAT_HUMAN);
}

static void test_arguments_without_memory(void **state)
{
    (void)state;
    static const char *const argv[] = {"torvyn", "run"};
    TVN_AUTO(tvn_arena) full = tvn_arena_create(1);
    TVN_AUTO_VALUE(tvn_arguments) arguments = {0};
    assert_status(tvn_arguments_parse(2, argv, full, &arguments), TVN_E_OUT_OF_MEMORY);
}

#define WITH_PARSED(test) cmocka_unit_test_setup_teardown(test, make_parsed, drop_parsed)

static const struct CMUnitTest tests[] = {
    WITH_PARSED(test_arguments_globals_stand_before_and_after_the_command),
    WITH_PARSED(test_arguments_without_command),
    WITH_PARSED(test_arguments_accepts_values_of_every_form),
    WITH_PARSED(test_arguments_usage_errors),
    WITH_PARSED(test_arguments_help_needs_no_operands),
    WITH_PARSED(test_arguments_flags_may_be_repeated),
    WITH_PARSED(test_arguments_format_is_known_also_after_an_error_before_it),
    cmocka_unit_test(test_arguments_without_memory),
};
TVN_TEST_MAIN("cli.arguments", tests)
