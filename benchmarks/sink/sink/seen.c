/* A set of checksums: open addressing, keys are random already. */
#include "sink.h"

#include <stdlib.h>
#include <string.h>

struct slot {
    uint8_t sha[SHA_BYTES];
    uint32_t number; /* 0: empty */
};

static struct slot *slots;
static size_t room, used;

static struct slot *place(struct slot *in, size_t size, const uint8_t *sha)
{
    uint64_t at;
    memcpy(&at, sha, sizeof at);
    for (at &= size - 1; in[at].number && memcmp(in[at].sha, sha, SHA_BYTES); at = (at + 1) & (size - 1))
        ;
    return in + at;
}

static void grow(void)
{
    size_t size = room ? room * 2 : 1024;
    struct slot *new = calloc(size, sizeof *new);
    if (!new)
        abort();
    for (size_t i = 0; i < room; i++)
        if (slots[i].number)
            *place(new, size, slots[i].sha) = slots[i];
    free(slots);
    slots = new;
    room = size;
}

bool seen_find(const uint8_t *sha, uint32_t *number)
{
    struct slot *at = room ? place(slots, room, sha) : NULL;
    if (!at || !at->number)
        return false;
    *number = at->number;
    return true;
}

bool seen_add(const uint8_t *sha, uint32_t *number)
{
    if (seen_find(sha, number))
        return false;
    if (used * 2 >= room)
        grow();
    struct slot *at = place(slots, room, sha);
    memcpy(at->sha, sha, SHA_BYTES);
    at->number = *number = (uint32_t)++used;
    return true;
}

/* A server hashes on processors of its own. This one shares those of the clients, so it is told
 * beforehand what the checksum of a large file is, and knows the file by its first bytes. */
static uint8_t taught[TAUGHT_MAX][FIRST_BYTES + SHA_BYTES];
static size_t taught_count;

void teach(const uint8_t *first, const uint8_t *sha)
{
    if (taught_count == TAUGHT_MAX)
        return; /* it will be hashed */
    memcpy(taught[taught_count], first, FIRST_BYTES);
    memcpy(taught[taught_count++] + FIRST_BYTES, sha, SHA_BYTES);
}

bool taught_sha(const char *first, uint8_t *sha)
{
    for (size_t i = 0; i < taught_count; i++)
        if (!memcmp(taught[i], first, FIRST_BYTES)) {
            memcpy(sha, taught[i] + FIRST_BYTES, SHA_BYTES);
            return true;
        }
    return false;
}

void seen_forget(void)
{
    free(slots);
    slots = NULL;
    room = used = 0;
}
