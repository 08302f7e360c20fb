/* features: system — the service about itself. */
#ifndef MADANG_SYSTEM_H
#define MADANG_SYSTEM_H

#include "madang/calls.h"

extern const struct feature system_feature;
/* The documents are the platform's; the app hands their printers over. */
void system_documents(void (*openapi)(struct buf *out), void (*asyncapi)(struct buf *out), void (*types)(struct buf *out));
void system_documents_free(void); /* when no request can come any more */

#endif
