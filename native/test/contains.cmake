# SPDX-License-Identifier: MIT
# Fails unless the text of the file PART stands in the file WHOLE.
file(READ ${WHOLE} whole)
file(READ ${PART} part)
string(FIND "${whole}" "${part}" position)
if(position EQUAL -1)
  message(FATAL_ERROR "${WHOLE} does not contain ${PART} as it is")
endif()
