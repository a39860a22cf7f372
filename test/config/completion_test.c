/* The scripts have every command, action, option and value in the form of their shell; that the shells understand them is tested with
 * the shells themselves (completion_test.mjs). */
#include "config/completion.h"

#include "config/settings_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct flag_name *flag_at(size_t i)
{
	static const struct flag_name flags[] = { { "fast", 'f', FLAG_SWITCH, NULL, "Don't wait: [now]. Never." },
		{ "to", 0, FLAG_VALUE, "DIR", "Where to." }, { "level", 'l', FLAG_VALUE, "low|high|url://HOST", "How." },
		{ "other", 0, FLAG_SWITCH, NULL, "Not here." } };
	return i < COUNT_OF(flags) ? &flags[i] : NULL;
}

static const struct command_row *row_at(size_t i)
{
	static const struct command_row rows[] = {
		{ "move", "move FILE...", "Move files; quickly.", .takes_files = true, .takes = 7, .flags = flag_at },
		{ "open", "open add|rm", "Open it.", .actions = "add rm", .settings = SETTING_BIT(data_dir) | SETTING_BIT(open) },
	};
	return i < COUNT_OF(rows) ? &rows[i] : NULL;
}

static void assert_script(const char *shell, const char *const *has)
{
	struct buf b CLEANUP(buf_deinit) = { 0 };
	buf_init(&b, 1 << 20);
	assert_true(completion_write(&b, str_of(shell), row_at));
	for (; *has != NULL; has++)
		if (str_find(buf_str(&b), str_of(*has)) == b.n)
			fail_msg("no %s in:\n%s", *has, b.p);
	assert_int_equal(str_find(buf_str(&b), STR("other")), b.n);
}

static void test_bash_script(void **state)
{
	assert_script("bash",
		(const char *const[]){ "words='move open '", "--to) values=yes files=yes ;;", "--level | -l) values=yes words='low high' ;;",
			"options='--fast -f --to --level -l --help'\n\t\t\twords='' files=yes", "words='add rm'\n", "--data) values=yes files=yes ;;",
			"--open --no-open", NULL });
}

static void test_zsh_script(void **state)
{
	assert_script("zsh",
		(const char *const[]){ "'move:Move files'", "'(-f --fast)'{-f,--fast}'[Don'\\''t wait\\: \\[now\\]]'",
			"'--to=[Where to]:DIR:_files'", "'(-l --level)'{-l+,--level=}'[How]:value:(low high)'", "'*:file:_files'",
			"'1:action:(add rm)'", "'--no-open[", NULL });
}

static void test_fish_script(void **state)
{
	assert_script("fish",
		(const char *const[]){ "-n __tintype_bare -a move -d 'Move files'", "-l fast -s f -d 'Don\\'t wait: [now]'", "-l to -r -F -d",
			"-l level -s l -x -a 'low high' -d", "-n '__tintype_command move' -F\n", "-a 'add rm'\n", "-l no-open", NULL });
}

static void test_another_shell_is_refused(void **state)
{
	struct buf b CLEANUP(buf_deinit) = { 0 };
	buf_init(&b, 1000);
	assert_false(completion_write(&b, STR("tcsh"), row_at));
	assert_int_equal(b.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bash_script),
		cmocka_unit_test(test_zsh_script),
		cmocka_unit_test(test_fish_script),
		cmocka_unit_test(test_another_shell_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
