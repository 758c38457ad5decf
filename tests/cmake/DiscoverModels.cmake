# cmake -DPROGRAM=<model_test> -DSCHEDULES=<n> -DENVIRONMENT=<list> -DOUTPUT=<file> -P DiscoverModels.cmake
# Writes one add_test for each model of the program.
execute_process(COMMAND ${PROGRAM} --list OUTPUT_VARIABLE names RESULT_VARIABLE code
    OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT code EQUAL 0)
    message(FATAL_ERROR "${PROGRAM} --list failed: ${code}")
endif()
string(REPLACE "\n" ";" names "${names}")
set(text "")
foreach(name IN LISTS names)
    string(APPEND text "add_test([==[model/${name}]==] [==[${PROGRAM}]==] --schedules ${SCHEDULES} ${name})\n"
        "set_tests_properties([==[model/${name}]==] PROPERTIES LABELS model TIMEOUT 300 "
        "ENVIRONMENT [==[${ENVIRONMENT}]==])\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
