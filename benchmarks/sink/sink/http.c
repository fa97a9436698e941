/* One request after the other on one connection. */
#define _GNU_SOURCE
#include "sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define TURN (256 * 1024)              /* bytes of one connection before the next one's turn */
#define BODY_MAX (16 * 1024 * 1024)    /* Immich itself refuses a question of more than 10 MB */
#define BLOCK (256 * 1024)

static char block[BLOCK]; /* for bytes that are only hashed */

static const char *header(const char *head, const char *name, size_t *length)
{
    size_t named = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, named) || line[2 + named] != ':')
            continue;
        const char *value = line + 3 + named;
        while (*value == ' ')
            value++;
        *length = strcspn(value, "\r");
        return value;
    }
    return NULL;
}

static void used(struct conn *c, size_t count)
{
    c->have -= count;
    memmove(c->in, c->in + count, c->have);
}

/* Return false for what no client of ours sends. */
static bool begin(struct conn *c, size_t head)
{
    size_t length;
    const char *value;

    c->in[head - 2] = 0; /* the head is a string now, its last line complete */
    if (sscanf(c->in, "%7s %127s", c->method, c->path) != 2)
        return false;
    c->is_upload = !strcmp(c->method, "POST") && !strcmp(c->path, "/api/assets");
    value = header(c->in, "content-length", &length);
    c->left = value ? strtoull(value, NULL, 10) : 0;
    if (header(c->in, "transfer-encoding", &length))
        return false;
    if ((value = header(c->in, "expect", &length)) && !strncasecmp(value, "100-", 4)) {
        static const char go[] = "HTTP/1.1 100 Continue\r\n\r\n";
        if (c->tls ? SSL_write(c->tls, go, sizeof go - 1) <= 0 : write(c->fd, go, sizeof go - 1) < 0)
            return false;
    }
    if (c->is_upload) {
        if (!counts.first_upload_ns)
            counts.first_upload_ns = now_ns();
        if (++counts.uploading > counts.most_uploading)
            counts.most_uploading = counts.uploading;
        counts.bytes += c->left;
        value = header(c->in, "x-immich-checksum", &length);
        c->has_sha = value && length == 2 * SHA_BYTES && unhex(value, SHA_BYTES, c->sha);
        c->in_file = false;
        if (!c->has_sha && wants_hash) {
            value = header(c->in, "content-type", &length);
            value = value ? strstr(value, "boundary=") : NULL;
            if (!value || sscanf(value, "boundary=%90[^;\r]", c->boundary) != 1)
                return false;
            c->hash = EVP_MD_CTX_new();
            EVP_DigestInit_ex(c->hash, EVP_sha1(), NULL);
        }
    } else if (c->left > BODY_MAX) {
        return false;
    } else {
        c->body = malloc(c->left + 1);
        c->body_have = 0;
    }
    used(c, head);
    c->step = BODY;
    return true;
}

static void hash(struct conn *c, const char *data, size_t size)
{
    if (size > c->hash_left)
        size = c->hash_left; /* what follows is the end of the form */
    EVP_DigestUpdate(c->hash, data, size);
    c->hash_left -= size;
}

/* The form before its file: wait until it is here whole. The file is the last part. */
static bool find_file(struct conn *c)
{
    char *part = memmem(c->in, c->have, "name=\"assetData\"", 16);
    char *file = part ? memmem(part, c->have - (size_t)(part - c->in), "\r\n\r\n", 4) : NULL;
    if (!file)
        return c->have < HEAD_MAX && c->left > c->have;
    size_t before = (size_t)(file + 4 - c->in);
    size_t after = strlen(c->boundary) + 8; /* CR LF -- boundary -- CR LF */
    if (c->have < before + FIRST_BYTES && c->left > c->have)
        return true;
    c->in_file = true;
    c->hash_left = c->left - before - after;
    c->left -= before;
    used(c, before);
    if (c->have >= FIRST_BYTES && taught_sha(c->in, c->sha)) {
        EVP_MD_CTX_free(c->hash);
        c->hash = NULL;
        c->has_sha = true;
    }
    return true;
}

static void end(struct conn *c)
{
    unsigned length;

    if (c->is_upload) {
        counts.uploads++;
        counts.uploading--;
        counts.last_upload_ns = now_ns();
        if (c->hash) {
            EVP_DigestFinal_ex(c->hash, c->sha, &length);
            EVP_MD_CTX_free(c->hash);
            c->hash = NULL;
            c->has_sha = true;
        }
    } else {
        c->body[c->body_have] = 0;
    }
    answer_request(c);
    free(c->body);
    c->body = NULL;
}

/* Use what is in the buffer for the body. */
static bool use(struct conn *c)
{
    if (c->hash && !c->in_file) {
        if (!find_file(c))
            return false;
        if (!c->in_file)
            return true;
    }
    size_t count = c->have < c->left ? c->have : (size_t)c->left;
    if (c->hash)
        hash(c, c->in, count);
    if (c->body) {
        memcpy(c->body + c->body_have, c->in, count);
        c->body_have += count;
    }
    c->left -= count;
    used(c, count);
    return true;
}

/* Take a part of the body past the buffer, with no copy where nobody needs it. */
static ssize_t take_body(struct conn *c)
{
    size_t want = c->left < BLOCK ? (size_t)c->left : BLOCK;
    char *into = c->body ? c->body + c->body_have : c->hash || c->tls ? block : NULL;
    ssize_t count = take(c, into, want);
    if (count <= 0)
        return count;
    if (c->body)
        c->body_have += (size_t)count;
    if (c->hash)
        hash(c, block, (size_t)count);
    c->left -= (uint64_t)count;
    return count;
}

bool http_readable(struct conn *c)
{
    /* What TLS has decrypted, epoll does not know of: there a turn ends when nothing is left. */
    for (size_t turn = 0; turn < TURN || c->tls;) {
        ssize_t count;
        bool buffered = c->step == HEAD || (c->step == BODY && c->hash && !c->in_file);
        if (c->step > BODY)
            return true; /* the next request waits for its turn */
        count = buffered ? take(c, c->in + c->have, HEAD_MAX - c->have) : take_body(c);
        if (count == -1)
            return true;
        if (count <= 0) {
            counts.uploading -= c->step == BODY && c->is_upload;
            return false;
        }
        turn += (size_t)count;
        if (buffered)
            c->have += (size_t)count;
        if (c->step == HEAD) {
            c->in[c->have] = 0;
            char *found = strstr(c->in, "\r\n\r\n");
            if (!found && c->have == HEAD_MAX)
                return false;
            if (found && !begin(c, (size_t)(found + 4 - c->in)))
                return false;
        }
        if (c->step == BODY && c->have && !use(c))
            return false;
        if (c->step == BODY && !c->left)
            end(c);
    }
    return true;
}
