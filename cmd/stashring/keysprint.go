package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/stashring/stashring/internal/roll"
	"github.com/stashring/stashring/keystore"
)

const columns = 100

// paint colours a word where the output has colours.
type paint func(colour, s string) string

const (
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func newPaint(w io.Writer) paint {
	if !colours(w) {
		return func(_, s string) string { return s }
	}
	return func(colour, s string) string { return "\x1b[" + colour + "m" + s + "\x1b[0m" }
}

// printView prints both sides of a region, slot by slot, and how they stand.
func printView(w io.Writer, paint paint, r keyRegion, v roll.View) {
	fmt.Fprintf(w, "%s  %s\n\n", paint(bold, r.title()), r.spec)
	printRow(w, "", "store", "QStash", "version", "changed")
	version := "-"
	if v.Store.Version != 0 {
		version = strconv.FormatInt(v.Store.Version, 10)
	}
	printRow(w, "current", cell(v.Store.Current), cell(v.QStash.Current), version, age(v.ChangedCurrent))
	printRow(w, "next", cell(v.Store.Next), cell(v.QStash.Next), version, age(v.ChangedNext))
	fmt.Fprintln(w)
	if v.StoreErr != nil {
		printWrapped(w, fmt.Sprintf("The store can't be read: %v", v.StoreErr))
	}
	if v.QStashErr != nil {
		printWrapped(w, fmt.Sprintf("QStash's keys are not known: %v", v.QStashErr))
	}
	printStanding(w, paint, v)
}

func printStanding(w io.Writer, paint paint, v roll.View) {
	colour, title := yellow, v.Standing.Title()
	switch {
	case v.Standing == roll.InStep:
		colour = green
	case v.Standing != roll.Unknown && !v.Standing.Verifies():
		colour = red
	case v.Standing == roll.Unknown:
		title = "not known to be in step"
	}
	fmt.Fprintf(w, "  %s\n", paint(colour, title))
	if v.Standing == roll.Foreign {
		printWrapped(w, fmt.Sprintf("The store shares no key with QStash's of this region. It has those of region %s.", regionTitle(v.Other)))
	} else if sentence := v.Standing.Sentence(); sentence != "" {
		printWrapped(w, sentence)
	}
}

// printAdvice says what to do about a standing.
func printAdvice(w io.Writer, r keyRegion, v roll.View) {
	repairable := v.StoreErr == nil || v.Unrelated() || errors.Is(v.StoreErr, keystore.ErrNotFound)
	switch {
	case v.Standing == roll.InStep, v.QStashErr != nil, !repairable:
	case r.Writer == nil:
		printWrapped(w, fmt.Sprintf("What is at %s can't be written from here: put QStash's two keys there.", r.spec))
	case v.Unrelated():
		printWrapped(w, "If the token and the store belong together, run:")
		fmt.Fprintf(w, "    stashring keys sync --keys %s\n", shellWord(r.spec))
	default:
		fmt.Fprintf(w, "  Run: stashring keys sync --keys %s\n", shellWord(r.spec))
	}
}

func printRow(w io.Writer, slot, store, qstash, version, changed string) {
	line := fmt.Sprintf("  %-8s %-17s %-17s %-8s %s", slot, store, qstash, version, changed)
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}

func cell(key keystore.Key) string {
	if key.IsZero() {
		return "-"
	}
	return key.String()
}

// age says how long ago a time was, in its two largest units.
func age(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	switch d := time.Since(t); {
	case d < 0:
		return "in the future"
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm %ds ago", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh %dm ago", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%dd %dh ago", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
}

// printWrapped prints text in lines of at most 100 columns, indented by two.
func printWrapped(w io.Writer, text string) {
	line := " "
	for word := range strings.FieldsSeq(text) {
		if len([]rune(line))+1+len([]rune(word)) > columns && line != " " {
			fmt.Fprintln(w, line)
			line = " "
		}
		line += " " + word
	}
	fmt.Fprintln(w, line)
}

// shellWord quotes s only where a shell would not take it as one word.
func shellWord(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("/.:_=,+@%-", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return shellQuote(s)
	}
	return s
}
