package keystore_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stashring/stashring/keystore"
)

func TestAFileStoreTellsWhenItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	var store keystore.Dated = keystore.File(path)
	if got, err := store.ChangedAt(t.Context(), keystore.SlotCurrent); !errors.Is(err, keystore.ErrNotFound) || !got.IsZero() {
		t.Errorf("of no file: got %v and %v, want %v", got, err, keystore.ErrNotFound)
	}
	want := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, want, want); err != nil {
		t.Fatal(err)
	}
	for _, slot := range []keystore.Slot{keystore.SlotCurrent, keystore.SlotNext} {
		if got, err := store.ChangedAt(t.Context(), slot); err != nil || !got.Equal(want) {
			t.Errorf("%v: got %v and %v, want %v", slot, got, err, want)
		}
	}
}
