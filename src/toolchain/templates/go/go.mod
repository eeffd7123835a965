module component

go 1.24
