package keystore

import "strings"

// Region names a QStash region as QStash's variables spell it: "US_EAST_1",
// "EU_CENTRAL_1". Each region has keys of its own.
type Region string

// DefaultRegion is the region of the plain QSTASH_ variables, whose keys judge
// every delivery that names no region or one that isn't configured.
const DefaultRegion Region = ""

// ParseRegion reads a region in any spelling: "US-EAST-1" as in the
// Upstash-Region header, "us-east-1", "US_EAST_1".
func ParseRegion(s string) Region {
	return Region(strings.ReplaceAll(strings.ToUpper(s), "-", "_"))
}
