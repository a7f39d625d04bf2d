@rem "exec" in the scripts of package.json: of sh it is a builtin, for cmd.exe it is this file.
@%*
