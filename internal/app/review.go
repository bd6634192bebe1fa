package app

import (
	"cxm/internal/app/review"
	"cxm/internal/store/reviews"
)

// Names of what reviews access that callers need.
type (
	// Access is what an integration's account reaches now, compared with what cxm
	// needs.
	Access = review.Access
	// AccessReview is what somebody looked at, and when.
	AccessReview = reviews.Review
	// DueReview is a review that is due.
	DueReview = review.Due
)
