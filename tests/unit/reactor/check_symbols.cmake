# The reactor sees the world through tvn_env and invokers only: its library may name nothing of the C library but
# memory moves and string lengths. Usage: cmake -DNM=… -DLIBRARY=… -P check_symbols.cmake
execute_process(COMMAND "${NM}" -u "${LIBRARY}" OUTPUT_VARIABLE output RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "${NM} failed on ${LIBRARY}")
endif()
string(REGEX MATCHALL "U [^\n]+" symbols "${output}")
if(NOT symbols)
    message(FATAL_ERROR "no undefined symbol at all in ${LIBRARY}: was it built for link-time optimisation?")
endif()
foreach(symbol IN LISTS symbols)
    string(SUBSTRING "${symbol}" 2 -1 symbol)
    # Names with two underscores belong to compiler and sanitizers; _GLOBAL_OFFSET_TABLE_ to the linker.
    if(NOT symbol MATCHES "^(tvn_.*|mem(cpy|set|move|cmp)|strn?len|__.*|_GLOBAL_OFFSET_TABLE_)$"
       OR symbol MATCHES "^__(clock|read|write|pthread|nanosleep|poll)")
        list(APPEND forbidden ${symbol})
    endif()
endforeach()
if(forbidden)
    message(FATAL_ERROR "the reactor uses ${forbidden}")
endif()
