module weft.invalid/bench

go 1.22
