/*
 * The bytes of schema/openapi.json, put into the program by openapi_data.S.
 */
#ifndef EWSD_HTTP_OPENAPI_DATA_H
#define EWSD_HTTP_OPENAPI_DATA_H

extern const unsigned char openapi_start[], openapi_end[];

#endif
