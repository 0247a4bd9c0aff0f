<?php echo "served by PHP as ", posix_getuid(), "\n";
