/* features: cards — a person as others see one: in the outputs of many calls, whichever feature they are of. */
#ifndef MADANG_CARDS_H
#define MADANG_CARDS_H

#include "madang/shape.h"

struct card {
    int64_t account;
    struct opt_text nickname, avatar_url;
    bool departed;
};
extern const struct shape card_shape;

#endif
