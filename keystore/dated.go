package keystore

import (
	"context"
	"time"
)

// Dated is a [KeyProvider] whose store knows when its keys were last written.
type Dated interface {
	// ChangedAt returns when the key in this slot, [SlotCurrent] or [SlotNext],
	// was last written, by the store's own clock. A store that keeps both keys
	// in one place answers the same for both. It fails as Keys does.
	ChangedAt(ctx context.Context, slot Slot) (time.Time, error)
}
