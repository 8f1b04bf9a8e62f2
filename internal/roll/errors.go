package roll

import "errors"

// Why a sync or a rotation did not end with the store in step. Those of the first
// group changed nothing.
var (
	// ErrBusy: another process has the store's lock.
	ErrBusy = errors.New("another sync or rotate is at work on this store")
	// ErrUnrelated: Sync would replace keys of which QStash has none, and was not
	// told to.
	ErrUnrelated = errors.New("the store has nothing in common with QStash")
	// ErrNotInStep: a roll would be the second one for this store.
	ErrNotInStep = errors.New("the store is not in step with QStash")
	// ErrUnsettled: a roll would be the second one for verifiers that have not
	// seen the last change of the store.
	ErrUnsettled = errors.New("the last change of the store is not known to be old enough")
	// ErrNotRolled: QStash failed to roll, and its keys are those from before.
	ErrNotRolled = errors.New("QStash did not roll the keys")

	// ErrUnclear: QStash failed to roll or to answer, and its keys can't be read.
	// If it has rolled, the store is one roll behind, and everything verifies.
	ErrUnclear = errors.New("it is not known whether QStash rolled the keys")
	// ErrUnfinished: the store could not be brought in step.
	ErrUnfinished = errors.New("the store could not be brought in step")
	// ErrUnconfirmed: the store was written, and QStash can't be asked whether
	// its keys are still the same.
	ErrUnconfirmed = errors.New("the store is written, but QStash does not confirm that these are still its keys")
	// ErrUnproven: a token signed with the new key does not verify over the store.
	ErrUnproven = errors.New("a probe signed with the new current key does not verify over the store")
	// ErrRolledElsewhere: somebody else rolled the keys at the same time.
	ErrRolledElsewhere = errors.New("the keys were rolled by somebody else at the same time")
)
