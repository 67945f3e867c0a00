/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_CLI_VALUES_H
#define PRM_CLI_VALUES_H

/*
 * Values of options.
 *
 * Return: 0 or -EINVAL; nothing is written on failure.
 * Threads: pure functions.
 */

#include <stdint.h>

/* A reservation key: up to 16 hex digits, with 0x or without. */
int prm_cli_parse_key(const char *text, uint64_t *ret_key);

/* A decimal number, or a hex one with 0x, from 0 to 65535. */
int prm_cli_parse_port(const char *text, uint16_t *ret_port);

/* Seconds, with up to three decimals, in milliseconds: 1 to a day's. */
int prm_cli_parse_seconds(const char *text, unsigned int *ret_ms);

#endif
