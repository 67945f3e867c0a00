/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes wrong again and again is told twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"
#include "helper/serve/deadline.h"
#include "helper/serve/spell.h"

#define CALM_NS (PRM_SPELL_CALM_MS * PRM_NS_PER_MS)

static struct prm_spells spells;

static int set_up(void **state)
{
	prm_spells_init(&spells);
	return 0;
}

static int tear_down(void **state)
{
	prm_spells_deinit(&spells);
	return 0;
}

static void it_is_told_when_it_begins(void **state)
{
	assert_true(prm_spell_begins(&spells, PRM_SPELL_ACCEPT, 1));
	for (int64_t now = 2; now < 1000; now++)
		assert_false(prm_spell_begins(&spells, PRM_SPELL_ACCEPT, now));
	assert_true(prm_spell_begins(&spells, PRM_SPELL_TURNED, 1));
}

static void it_ends_when_it_has_been_calm_for_a_while(void **state)
{
	assert_int_equal(prm_spells_next(&spells), PRM_DEADLINE_NEVER);
	(void)prm_spell_begins(&spells, PRM_SPELL_ACCEPT, 5);
	(void)prm_spell_begins(&spells, PRM_SPELL_ACCEPT, 10);
	assert_int_equal(prm_spells_next(&spells), 10 + CALM_NS);
	prm_spells_look(&spells, 10 + CALM_NS - 1);
	assert_int_equal(prm_spells_next(&spells), 10 + CALM_NS);
	prm_spells_look(&spells, 10 + CALM_NS);
	assert_int_equal(prm_spells_next(&spells), PRM_DEADLINE_NEVER);
	assert_true(prm_spell_begins(&spells, PRM_SPELL_ACCEPT, 20 + CALM_NS));
}

static void it_may_last_without_happening_again(void **state)
{
	prm_spell_lasts(&spells, PRM_SPELL_PAUSED, 5);
	assert_int_equal(prm_spells_next(&spells), PRM_DEADLINE_NEVER);
	(void)prm_spell_begins(&spells, PRM_SPELL_PAUSED, 10);
	prm_spell_lasts(&spells, PRM_SPELL_PAUSED, 500);
	prm_spells_look(&spells, 10 + CALM_NS);
	assert_int_equal(prm_spells_next(&spells), 500 + CALM_NS);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(it_is_told_when_it_begins),
		CLAIM(it_ends_when_it_has_been_calm_for_a_while),
		CLAIM(it_may_last_without_happening_again),
	};

	return cmocka_run_group_tests_name("spell", tests, NULL, NULL);
}
