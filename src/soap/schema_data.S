/*
 * The schema files as bytes of the program (schema_data.h). The assembler
 * finds them through its include path; meson names them as dependencies.
 */
        .section .rodata
        .macro file name, path
        .globl schema_\name\()_start, schema_\name\()_end
schema_\name\()_start:
        .incbin "\path"
schema_\name\()_end:
        .byte 0
        .endm

        file types, "types.xsd"
        file messages, "messages.xsd"
        file soap, "soap.xsd"

        .section .note.GNU-stack,"",%progbits
