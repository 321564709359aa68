# SQL into the lines of a C string; comments and empty lines left out.
/^--/d
/^$/d
s/["\\]/\\&/g
s/.*/"&\\n"/
