/* Which addresses webhooks may be sent to: those of the public internet, and no others, so that a name that leads into the
 * operator's own network, or to a cloud's metadata service, is not called. Pure; any thread.
 * Source: IANA IPv4 and IPv6 Special-Purpose Address Registries; RFC 6890. */
#ifndef WEBHOOK_ADDRESS_GUARD_H
#define WEBHOOK_ADDRESS_GUARD_H

struct sockaddr;

/* NULL: it may be connected to. Else the range that it is in, such as "10.0.0.0/8"; of an address that is neither IPv4 nor IPv6,
 * "another family". IPv4 addresses written in IPv6 (mapped, translated, tunnelled) are refused whatever they lead to. */
const char *address_guard_refuses(const struct sockaddr *at);

#endif
