package endpoint

import (
	"fmt"
	"strconv"
	"strings"
)

// Size is a number of bytes, written as one or with KiB, MiB or GiB behind it.
type Size int64

// UnmarshalText reads a Size of at least 1 byte.
func (s *Size) UnmarshalText(text []byte) error {
	number, shift := string(text), 0
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if n, ok := strings.CutSuffix(number, unit); ok {
			number, shift = n, 10*(i+1)
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > 1<<40>>shift {
		return fmt.Errorf("%q is not a number of bytes, such as 1048576 or 1MiB", text)
	}
	*s = Size(n << shift)
	return nil
}
