// Package export writes a person's data in the forms she takes it away in.
//
// The nouns: a [Source] hands an export over piece by piece; a [Form] writes it in one format; [Metadata] is what is told
// beside the values: units, resolution, sampling, time zone, gaps, receipts.
//
// The promise: a number is written exactly, whatever its scale; a text that a spreadsheet would run begins with an
// apostrophe in CSV and stays what it is elsewhere; no form holds more than one piece in memory.
//
// Caveats: a CSV table has no room for gaps and receipts beside values; [Facts] writes those, and every SenML pack ends with them.
package export
