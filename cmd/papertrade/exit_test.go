package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"papertrade/internal/config"
	"papertrade/internal/refresh"
)

func TestExitStatus(t *testing.T) {
	interrupted := func(s syscall.Signal) context.Context {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(&interruptedError{s, time.Now()})
		return ctx
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		err  error
		want int
	}{
		{"success", t.Context(), nil, 0},
		{"success in spite of a signal", interrupted(syscall.SIGINT), nil, 0},
		{"any other error", t.Context(), errors.New("disk full"), 1},
		{"nothing refreshed", t.Context(), errNothing, 1},
		{"unhealthy", t.Context(), errUnhealthy, 1},
		{"a context that no signal has ended", cancelled, context.Canceled, 1},
		{"wrong usage", t.Context(), wrongUsage("--at is wrong"), 2},
		{"wrong settings", t.Context(), &config.Error{Problems: []string{"batch_size"}}, 2},
		{"wrong settings among checks", t.Context(), notReadyError{{name: "database", err: errors.New("gone")}, {name: "key", err: &config.Error{}}}, 2},
		{"partly", t.Context(), errPartial, 3},
		{"locked", t.Context(), refresh.ErrLocked, 4},
		{"quota", t.Context(), errQuota, 5},
		{"quota of a checked key", t.Context(), notReadyError{{name: "vendor", err: errKeySpent}}, 5},
		{"SIGINT", interrupted(syscall.SIGINT), context.Canceled, 130},
		{"SIGTERM", interrupted(syscall.SIGTERM), errPartial, 143},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.err
			if err != nil {
				err = &commandError{nil, &runError{"the run", fmt.Errorf("wrapped: %w", err)}}
			}
			if got := exitStatus(tt.ctx, err); got != tt.want {
				t.Errorf("exit status %d, want %d", got, tt.want)
			}
		})
	}
}
