//go:build unix && !solaris && !illumos && !aix

package roll

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock takes the store's lock for this process, or fails with [ErrBusy] where
// another has it. The kernel gives it back when the process ends, however it ends,
// so nobody has to clean up after a kill. The file stays: to remove it would let two
// processes hold two files of one name.
func (r Region) lock() (release func(), err error) {
	if r.Lock == "" {
		return func() {}, nil
	}
	f, err := os.OpenFile(r.Lock, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("can't lock the store: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w (%s is locked)", ErrBusy, r.Lock)
		}
		return nil, fmt.Errorf("can't lock the store: %s: %w", r.Lock, err)
	}
	return func() { f.Close() }, nil
}
