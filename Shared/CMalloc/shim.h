// malloc.h is no part of the Glibc module.
#include <malloc.h>
