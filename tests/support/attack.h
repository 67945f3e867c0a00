/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_TESTS_SUPPORT_ATTACK_H
#define PRM_TESTS_SUPPORT_ATTACK_H

/*
 * Try whatever a daemon that was taken over would try, and tell with @say of
 * each the errno, 0 for success, as "attack NAME ERRNO"; @path is a file to be
 * read. Ends with "attack over 0".
 */
void attack(const char *path, void (*say)(const char *format, ...));

#endif
