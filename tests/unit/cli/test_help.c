/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"
#include "cli/completions.h"
#include "cli/help.h"

#include "tvn_test.h"

/* Lines of at most 80 columns, no tab, no control character, nothing at the line's end. */
static void check_lines(struct tvn_str text)
{
    assert_true(tvn_str_ends_with(text, TVN_STR("\n")));
    while (text.len > 0) {
        struct tvn_str line = tvn_str_slice(text, 0, tvn_str_find(text, '\n'));
        assert_true(line.len <= TVN_HELP_COLUMNS_MAX);
        assert_false(tvn_str_ends_with(line, TVN_STR(" ")));
        for (size_t i = 0; i < line.len; i++) {
            assert_true(line.ptr[i] >= ' ' && line.ptr[i] <= '~');
        }
        text = tvn_str_slice(text, line.len + 1, text.len);
    }
}

static void test_help_of_every_command_fits_a_terminal(void **state)
{
    (void)state;
    for (size_t i = 0; tvn_commands[i]; i++) {
        TVN_AUTO_VALUE(tvn_strbuf) out = {0};
        tvn_help_render(tvn_commands[i], &out);
        check_lines(tvn_strbuf_view(&out));
    }
    TVN_AUTO_VALUE(tvn_strbuf) out = {0};
    tvn_help_render(NULL, &out);
    check_lines(tvn_strbuf_view(&out));
}

static void test_help_names_every_option_and_example(void **state)
{
    (void)state;
    for (size_t i = 0; tvn_commands[i]; i++) {
        const struct tvn_command *command = tvn_commands[i];
        TVN_AUTO_VALUE(tvn_strbuf) out = {0};
        tvn_help_render(command, &out);
        for (const struct tvn_opt *opt = command->opts; opt && opt->name; opt++) {
            TVN_AUTO_VALUE(tvn_strbuf) name = {0};
            tvn_help_option_name(opt, &name);
            assert_non_null(strstr(tvn_strbuf_text(&out), tvn_strbuf_text(&name)));
        }
        assert_true(command->hidden || command->examples);
    }
}

/* What the parser relies on: see option.h. */
static void test_command_tables_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; tvn_commands[i]; i++) {
        const struct tvn_command *command = tvn_commands[i];
        assert_non_null(command->run);
        assert_ptr_equal(tvn_command_find(tvn_str_of(command->name)), command);
        assert_false(tvn_command_is_planned(tvn_str_of(command->name)));
        const struct tvn_opt *tables[] = {command->opts, command->operands, tvn_global_opts};
        for (size_t t = 0; t < TVN_ARRAY_LEN(tables); t++) {
            for (const struct tvn_opt *opt = tables[t]; opt && opt->name; opt++) {
                bool word = opt->kind == TVN_OPT_CHOICE || opt->kind == TVN_OPT_WORD;
                bool offers = opt->kind == TVN_OPT_TEXT && opt->choices;
                assert_true((word || offers) == (opt->choices != NULL));
                assert_non_null(opt->help);
                assert_false(tvn_str_ends_with(tvn_str_of(opt->help), TVN_STR(".")));
                assert_true(t == 1 || (opt->kind == TVN_OPT_FLAG) == (opt->value_name == NULL));
                assert_true(t == 2 || opt->offset < command->args_size);
                assert_true(t != 0 || !tvn_opt_find(tvn_global_opts, tvn_str_of(opt->name)));
            }
        }
    }
}

static void test_completions_name_every_command_and_option(void **state)
{
    (void)state;
    for (unsigned shell = 0; tvn_shell_names[shell]; shell++) {
        TVN_AUTO_VALUE(tvn_strbuf) out = {0};
        tvn_completions_render((enum tvn_shell)shell, &out);
        for (size_t i = 0; tvn_commands[i]; i++) {
            const struct tvn_opt *tables[] = {tvn_commands[i]->opts, tvn_global_opts};
            for (size_t t = 0; t < 2 && !tvn_commands[i]->hidden; t++) {
                for (const struct tvn_opt *opt = tables[t]; opt && opt->name; opt++) {
                    assert_non_null(strstr(tvn_strbuf_text(&out), opt->name));
                }
            }
        }
        assert_false(out.failed);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_help_of_every_command_fits_a_terminal),
    cmocka_unit_test(test_help_names_every_option_and_example),
    cmocka_unit_test(test_command_tables_are_sound),
    cmocka_unit_test(test_completions_name_every_command_and_option),
};
TVN_TEST_MAIN("cli.help", tests)
