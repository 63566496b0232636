/*
 * schema/openapi.json as bytes of the program (openapi_data.h).
 */
        .section .rodata
        .globl openapi_start, openapi_end
openapi_start:
        .incbin "openapi.json"
openapi_end:
        .byte 0

        .section .note.GNU-stack,"",%progbits
