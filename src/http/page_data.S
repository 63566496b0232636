/*
 * The files of the web page as bytes of the program, by the rows of page.def.
 * The assembler finds them through its include path; meson names them as
 * dependencies.
 */
        .section .rodata
        .macro file name, path, type:vararg
        .globl page_\name\()_start, page_\name\()_end
page_\name\()_start:
        .incbin "\path"
page_\name\()_end:
        .byte 0
        .endm

#define PAGE(symbol, name, type) file symbol, name, type
#include "http/page.def"

        .section .note.GNU-stack,"",%progbits
