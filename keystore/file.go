package keystore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

var (
	_ KeyProvider = (*FileStore)(nil)
	_ KeyWriter   = (*FileStore)(nil)
	_ Dated       = (*FileStore)(nil)
)

// A key document is some hundred bytes; a larger file is another file.
const maxDocumentBytes = 16 << 10

// FileStore keeps a key set in a file: {"current":"sig_…","next":"sig_…"}.
type FileStore struct{ path string }

// File returns a store over the file at path, which is opened at every read and
// replaced whole at every write. It need not exist before the first write.
func File(path string) *FileStore { return &FileStore{path: path} }

// Keys reads the file. It fails with [ErrNotFound] where there is none, with
// [ErrDenied] where it may not be read, and as [ParseKeySet] does.
func (s *FileStore) Keys(ctx context.Context) (KeySet, error) {
	if err := ctx.Err(); err != nil {
		return KeySet{}, err
	}
	doc, err := readAtMost(s.path, maxDocumentBytes)
	if err != nil {
		return KeySet{}, fileError(err)
	}
	keys, err := ParseKeySet(doc)
	if err != nil {
		return KeySet{}, fmt.Errorf("%s: %w", s.path, err)
	}
	return keys, nil
}

func readAtMost(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	doc, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(doc)) > limit {
		return nil, fmt.Errorf("%w: %s has more than %d bytes and can't be a key document", ErrInvalidKey, path, limit)
	}
	return doc, nil
}

// ChangedAt returns the time of the file's last modification, for either slot.
func (s *FileStore) ChangedAt(ctx context.Context, _ Slot) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return time.Time{}, fileError(err)
	}
	return info.ModTime(), nil
}

// PutKeys replaces the file in one step, so that a reader sees the old set or the
// new one, and leaves it readable by its owner alone (mode 0600). A symbolic link
// stays one: the file that it names is replaced.
func (s *FileStore) PutKeys(ctx context.Context, keys KeySet) error {
	doc, err := keys.RevealJSON()
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	path := s.path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if err := replaceFile(path, append(doc, '\n')); err != nil {
		return fileError(err)
	}
	return nil
}

// replaceFile writes a new file beside path, on the disk before it takes the
// name, because a rename that outlives its contents is an empty file.
func replaceFile(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// fileError puts the class before the cause. The cause names the path.
func fileError(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	return err
}

// String names the file.
func (s *FileStore) String() string { return "file:" + s.path }
