/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MULTIPATH_SERVE_H
#define PRM_MULTIPATH_SERVE_H

/* A session of the helper protocol that ends with its first request. */

/**
 * prm_multipath_serve() - shake hands, take one request, answer it
 * @sock: blocking Unix stream socket; borrowed
 *
 * Blocks without limit: the process has an alarm(2).
 *
 * Return: 0 when the answer was sent; -EPROTO for whatever the protocol does
 * not allow (nothing is answered then); or what the kernel said.
 */
int prm_multipath_serve(int sock);

#endif
