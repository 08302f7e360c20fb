/* web: documents — what the table of calls says, for machines: OpenAPI, AsyncAPI, TypeScript. */
#ifndef MADANG_DOCUMENTS_H
#define MADANG_DOCUMENTS_H

#include "madang/calls.h"

void documents_check(void);             /* aborts when two shapes have one name; at start-up */
void openapi_print(struct buf *out);    /* OpenAPI 3.1 */
void asyncapi_print(struct buf *out);   /* AsyncAPI 3.0 */
void typescript_print(struct buf *out); /* types for web/madang.js */
void client_print(struct buf *out);     /* web/calls.js */

#endif
