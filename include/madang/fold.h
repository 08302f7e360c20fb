/* base: fold — what a person sees in a text: whether there is anything to read, and whether two texts read alike.
 *
 * Texts are valid UTF-8; what is made lies in the arena. Folds are for comparing alone, not for showing. Disadvantage: which
 * characters are unseen or alike is as good as the Unicode tables of utf8proc and a short list of look-alikes.
 */
#ifndef MADANG_FOLD_H
#define MADANG_FOLD_H

#include "madang/arena.h"

/* Nothing to read: blanks of all kinds, controls, and characters that are not seen (fillers, joiners, marks of direction …). */
bool text_is_blank(struct text t);
/* For names and titles, which stand in other people's lines: one line, without what is not seen or turns its neighbours around;
 * what holds an emoji together stays. */
struct text text_title(struct arena *a, struct text t);
/* Compatibility forms, case, accents and look-alike letters of Latin, Cyrillic and Greek folded; blanks and unseen characters
 * left out. Of what is no valid UTF-8: nothing. */
struct text text_fold(struct arena *a, struct text t);
/* Of a fold: Hangul letters that stand alone are put together as a keyboard would. The same text when there are none. */
struct text text_fold_hangul(struct arena *a, struct text folded);

#endif
