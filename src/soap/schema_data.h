/*
 * The bytes of the schema files, put into the program by schema_data.S.
 */
#ifndef EWSD_SOAP_SCHEMA_DATA_H
#define EWSD_SOAP_SCHEMA_DATA_H

extern const unsigned char schema_types_start[], schema_types_end[];
extern const unsigned char schema_messages_start[], schema_messages_end[];
extern const unsigned char schema_soap_start[], schema_soap_end[];

#endif
