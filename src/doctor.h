/* app: doctor — madangd doctor: what is wrong with this installation, and what to do about it. */
#ifndef MADANG_DOCTOR_H
#define MADANG_DOCTOR_H

int doctor_command(int count, char **arguments);

#endif
